"""Task workers: processes that are connected and wait for background tasks (contract §2)."""
