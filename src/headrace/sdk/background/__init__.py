"""Background tasks: delayed in one process, executed in another that serves them (contract §11.3)."""
