"""Blocks that come with headrace; the server registers their types."""

from typing import Any

from headrace.sdk import secrets
from headrace.sdk.blocks import Block


class Secret(Block):
    """One secret value, of any kind that JSON has.

    >>> Secret(value="s3cret").save("api-key")
    >>> Secret.load("api-key").get()
    's3cret'
    """

    _block_type_name = "Secret"

    value: secrets.Secret[Any]

    def get(self) -> Any:
        """The secret value."""
        return self.value.get_secret_value()
