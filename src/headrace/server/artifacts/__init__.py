"""Artifacts: what runs leave to be looked at, and the latest of each key (contract §3)."""
