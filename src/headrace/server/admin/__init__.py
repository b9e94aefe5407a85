"""The server about itself: is it there, which version, with which settings."""
