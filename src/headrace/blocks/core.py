"""The base class of blocks, and what their fields are made of."""

from headrace.sdk.blocks import Block
from headrace.sdk.fields import Field
from headrace.sdk.secrets import SecretDict, SecretStr

__all__ = ["Block", "Field", "SecretDict", "SecretStr"]
