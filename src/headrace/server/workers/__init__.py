"""Workers: who polls a pool, as told by their heartbeats (contract §11.1)."""
