"""The `headrace` command: one file a noun, loaded when its command is used."""

from headrace.cli.app import main

__all__ = ["main"]
