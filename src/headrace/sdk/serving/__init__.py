"""Serving flows: a process that makes deployments of them and executes their runs."""
