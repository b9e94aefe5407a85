"""Saved searches: filters of the UI that a user keeps under a name (contract §3)."""
