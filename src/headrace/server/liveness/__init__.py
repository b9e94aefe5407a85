"""Whether the processes of runs are alive: leases that they renew, and what becomes of runs without a sign of life."""
