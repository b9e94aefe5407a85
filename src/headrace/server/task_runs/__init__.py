"""Task runs: one execution of a task, recorded from its client's events or orchestrated here (contract §4.4, §7)."""
