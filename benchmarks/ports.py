"""Ports that nothing listens on."""

from socket import socket


def free_port() -> int:
    """A free port of this machine, now."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
