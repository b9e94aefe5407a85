"""Work queues: the runs of a pool, by priority (contract §3)."""
