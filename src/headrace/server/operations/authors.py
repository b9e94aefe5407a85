"""Who asks for an operation."""

import msgspec

from headrace.server.cancellations.service import requester
from headrace.server.context import Context
from headrace.server.states.proposals import Asker
from headrace.wire.flow_runs import CreatedBy


class Author(msgspec.Struct, frozen=True):
    """Who asks, and on behalf of which retention policy, if any."""

    by: CreatedBy | None = None
    policy: str | None = None


def author_of(ctx: Context) -> Author:
    """The client that sent a request, by the name that it gives itself."""
    return Author(by=requester(Asker.of(ctx)))
