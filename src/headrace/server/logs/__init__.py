"""Log lines of runs: taken in bulk, whether their runs are known or not (contract §11.5)."""
