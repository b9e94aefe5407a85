"""Flows: made on first use, found by name (contract §3)."""
