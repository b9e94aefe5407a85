"""Values that the server keeps for itself, by key."""
