"""What the command line itself refuses; both kinds end in one line on stderr."""

from headrace.wire.errors import HeadraceError

DEBUG = "HEADRACE_DEBUG"
"""The variable that adds tracebacks to failures; of the command line only, so it is no setting."""


class UsageError(HeadraceError):
    """The command was called in a way it does not understand; exit code 2."""

    code = "usage"


class CommandFailed(HeadraceError):
    """The command was understood and did not succeed, wholly or in part; exit code 1."""

    code = "command_failed"
