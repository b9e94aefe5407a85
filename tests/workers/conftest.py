"""One server for the tests of a module, on each database."""

from tests.served import server, watched

__all__ = ["server", "watched"]
