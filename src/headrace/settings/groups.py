"""What settings are made of."""

import msgspec


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A set of settings that belong together."""
