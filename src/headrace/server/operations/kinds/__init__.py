"""What each kind of operation does to its items: one module a kind."""
