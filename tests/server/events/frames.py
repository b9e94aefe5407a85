"""A client of `/events/in` without a network."""

from collections.abc import Sequence


class Sender:
    """Sends batches of frames, or all of one batch, and is gone."""

    def __init__(self, *batches: Sequence[str | bytes]) -> None:
        self._batches = list(batches)

    async def receive_many(self, limit: int) -> Sequence[str | bytes]:
        batch = self._batches.pop(0) if self._batches else ()
        assert len(batch) <= limit
        return batch
