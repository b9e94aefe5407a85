"""Triggers in words."""

from collections.abc import Iterator
from typing import assert_never

from headrace.wire.triggers import CompoundTrigger, EventTrigger, Posture, SequenceTrigger, Trigger


def lines_of(trigger: Trigger, indent: str = "") -> Iterator[str]:
    """A trigger in words, one line for each part of it."""
    match trigger:
        case EventTrigger():
            yield indent + _event(trigger)
            yield from (f"{indent}  {line}" for line in _conditions(trigger))
        case CompoundTrigger() | SequenceTrigger():
            how = f"{trigger.require} of" if isinstance(trigger, CompoundTrigger) else "in this order"
            within = f" within {trigger.within:g} s" if trigger.within is not None else ""
            yield f"{indent}{how}{within}:"
            for child in trigger.triggers:
                yield from lines_of(child, indent + "  ")
        case _:
            assert_never(trigger)


def _event(trigger: EventTrigger) -> str:
    fewer = "" if trigger.posture is Posture.Reactive else "fewer than "
    names = ", ".join(trigger.expect) or "any event"
    after = f" after {', '.join(trigger.after)}" if trigger.after else ""
    within = f" within {trigger.within:g} s" if trigger.within else ""
    return f"{fewer}{trigger.threshold} × {names}{after}{within}"


def _conditions(trigger: EventTrigger) -> Iterator[str]:
    for label, patterns in trigger.match.items():
        yield f"{label} is {_either(patterns)}"
    for specification in trigger.related:
        told = " and ".join(f"{label} is {_either(patterns)}" for label, patterns in specification.items())
        yield f"of a related resource {told}"
    if trigger.for_each:
        yield f"for each {', '.join(trigger.for_each)}"


def _either(patterns: str | list[str]) -> str:
    return patterns if isinstance(patterns, str) else " or ".join(patterns)
