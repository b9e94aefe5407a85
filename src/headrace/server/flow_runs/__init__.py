"""Flow runs: one execution of a flow, and the states it goes through (contract §3, §4)."""
