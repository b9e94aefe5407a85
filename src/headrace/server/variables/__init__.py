"""Variables: named values that flows and templates look up (contract §3)."""
