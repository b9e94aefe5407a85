"""Cancellations of flow runs: the whole tree goes along, each has a deadline, and each tells how it went."""
