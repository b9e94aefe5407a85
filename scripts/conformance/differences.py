"""What differs between the peer's operations and ours, in words that a table can hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.conformance.operations import Operation
from scripts.conformance.schemas import ITEM, Place

ABSENT, THERE = "absent", "there"


@dataclass(frozen=True, order=True)
class Difference:
    """One part of one operation that the peer's document and ours describe differently."""

    operation: str
    part: str
    peer: str
    ours: str


def differences(peer: Mapping[str, Operation], ours: Mapping[str, Operation]) -> Iterator[Difference]:
    """Everything that differs. Of an operation that only one side has, that alone is said."""
    for key, operation in peer.items():
        if key in ours:
            yield from _between(operation, ours[key])
        else:
            yield Difference(operation.name, "operation", THERE, ABSENT)
    for key, operation in ours.items():
        if key not in peer:
            yield Difference(operation.name, "operation", ABSENT, THERE)


def _between(peer: Operation, ours: Operation) -> Iterator[Difference]:
    name = peer.name
    for where, parameter in sorted(peer.parameters.keys() | ours.parameters.keys()):
        key = (where, parameter)
        yield from _places(name, f"{where}.{parameter}", peer.parameters.get(key), ours.parameters.get(key))
    yield from _places(name, "body", peer.body, ours.body)
    yield from _statuses(name, peer, ours)
    for status in sorted(peer.answers.keys() & ours.answers.keys()):
        if status.startswith("2"):
            yield from _places(name, status, peer.answers[status], ours.answers[status], answer=True)


def _statuses(name: str, peer: Operation, ours: Operation) -> Iterator[Difference]:
    """Success has to be declared alike. Of failures, the peer's document knows 422 alone, and says it everywhere."""
    for status in sorted(peer.answers.keys() | ours.answers.keys()):
        takes_something = ours.body is not None or any(where == "query" for where, _ in ours.parameters)
        if status.startswith("2") or (status == "422" and status in peer.answers and takes_something):
            there = [THERE if status in side.answers else ABSENT for side in (peer, ours)]
            if there[0] != there[1]:
                yield Difference(name, f"status.{status}", *there)


def _places(
    operation: str, part: str, peer: Place | None, ours: Place | None, *, answer: bool = False
) -> Iterator[Difference]:
    """What differs at one place and inside it. In answers, "required" says nothing: what is there is there."""
    if peer is None or ours is None:
        if peer is not ours:
            yield Difference(operation, part, _described(peer, answer), _described(ours, answer))
        return
    if peer.kinds != ours.kinds:
        yield Difference(operation, part, _named(peer.kinds), _named(ours.kinds))
    if peer.members != ours.members and peer.kinds == ours.kinds:
        theirs, own = peer.members - ours.members, ours.members - peer.members
        yield Difference(operation, part, _named(theirs, "no more"), _named(own, "no more"))
    if peer.required != ours.required and not answer:
        yield Difference(operation, part, _needed(peer), _needed(ours))
    if "any" not in peer.kinds | ours.kinds:
        for name in sorted(peer.inside.keys() | ours.inside.keys()):
            inner = f"{part}{name}" if name == ITEM else f"{part}.{name}"
            yield from _places(operation, inner, peer.inside.get(name), ours.inside.get(name), answer=answer)


def _described(place: Place | None, answer: bool) -> str:
    if place is None:
        return ABSENT
    return _named(place.kinds) if answer else f"{_named(place.kinds)}, {_needed(place)}"


def _named(words: frozenset[str], none: str = "nothing") -> str:
    return " or ".join(sorted(words - {"null"}) + sorted(words & {"null"})) or none


def _needed(place: Place) -> str:
    return "required" if place.required else "optional"
