"""State details as they are stored: only what is set, because most of a state's details never are."""

import msgspec

from headrace.wire.base import encode_text
from headrace.wire.states import StateDetails


class StoredDetails(StateDetails, kw_only=True, omit_defaults=True):
    """`StateDetails` that leave their defaults out when they are encoded; reading them back fills these in."""


def details_text(details: StateDetails) -> str:
    """The JSON text that the store keeps of a state's details."""
    return encode_text(msgspec.convert(details, StoredDetails, from_attributes=True))
