"""The queue of background task runs, and handing them to whoever executes them (contract §2, §11.3)."""
