"""Which objects a request is about: every filter and criterion of the API."""

from headrace.wire.filters import *  # noqa: F403 - the same names, all of them
from headrace.wire.filters import __all__ as __all__
