"""Concurrency limits. None can be made yet, so nobody ever has to wait for a slot."""
