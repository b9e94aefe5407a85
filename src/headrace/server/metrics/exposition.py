"""The text form in which Prometheus reads numbers, version 0.0.4.

Written here in thirty lines, because a client library keeps numbers by itself that the database has already.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class Sample(msgspec.Struct, frozen=True):
    """One number under the name of its family, with `suffix` behind it."""

    value: float
    labels: Labels = {}
    suffix: str = ""


class Family(msgspec.Struct, frozen=True):
    """Numbers of one name; counters only ever grow while a server lives."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[Sample]


def render(families: Iterable[Family]) -> str:
    """The text; a family without numbers is left out."""
    lines: list[str] = []
    for family in families:
        if family.samples:
            lines.append(f"# HELP {family.name} {_escaped(family.help)}")
            lines.append(f"# TYPE {family.name} {family.kind}")
            lines += [f"{family.name}{one.suffix}{_braced(one.labels)} {_number(one.value)}" for one in family.samples]
    return "\n".join(lines) + "\n"


def histogram(bounds: Sequence[float], cumulated: Sequence[int], total: float, labels: Labels) -> list[Sample]:
    """The samples of one histogram: `cumulated` has how many are at most each of the bounds, and all at the end."""
    edges = [*(_number(bound) for bound in bounds), "+Inf"]
    counts = [Sample(count, {**labels, "le": edge}, "_bucket") for edge, count in zip(edges, cumulated, strict=True)]
    return [*counts, Sample(total, labels, "_sum"), Sample(cumulated[-1], labels, "_count")]


def _braced(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items()) + "}"


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
