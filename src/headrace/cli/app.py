"""The tree of commands."""


def main() -> None:
    """Run the command that the process's arguments name."""
