"""What can go wrong where runs of deployments are executed, beside the tree in `wire.errors`."""

from headrace.wire.errors import SettingsError


class ServerNeeded(SettingsError):
    """Something that executes runs was started where no server is, so that nothing would ever be due."""

    code = "server_needed"
