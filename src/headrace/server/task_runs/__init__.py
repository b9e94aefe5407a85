"""Task runs: one execution of a task, orchestrated by its client and recorded, or orchestrated here (contract §3, §4.4)."""
