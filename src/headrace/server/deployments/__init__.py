"""Deployments: where, how and when flows run (contract §3, §9)."""
