"""Handlers that users may give to loggers of their own."""

from headrace.sdk.logs import APILogHandler, ConsoleHandler

__all__ = ["APILogHandler", "ConsoleHandler"]
