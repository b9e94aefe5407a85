"""What the web UI asks for beside the plain nouns: counts and points for its plots, and the check of its forms."""
