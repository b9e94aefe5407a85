"""Task workers. None can connect yet, for background tasks have no queue here."""
