"""Concurrency limits: slots, leases and who holds them (contract §10)."""
