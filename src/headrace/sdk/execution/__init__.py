"""Executing the runs of deployments, each in a process of its own: what runners and workers share."""
