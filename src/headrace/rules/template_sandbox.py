"""The sandbox that templates run in: what would take the server's time or memory is refused.

Loaded with jinja2, when there is a first template.
"""

from collections.abc import Sized
from typing import Any

from jinja2 import ChainableUndefined
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from headrace.rules.template_filters import FILTERS
from headrace.rules.template_views import to_json

LONGEST_RANGE = 100
LONGEST_PRODUCT = 100_000
"""Items of a repeated sequence."""
MOST_BITS = 10_000
"""Binary digits of a number that is calculated."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without side effects, long ranges or huge products; a name that nothing is known of is nothing."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=ChainableUndefined)
        self.globals["range"] = _range  # pyright: ignore[reportArgumentType] - it narrows jinja's own
        self.filters.update(FILTERS)
        self.policies["json.dumps_function"] = _dumps

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiply or raise to a power, if the outcome has a bearable size."""
        if operator == "*":
            _check_product(left, right)
        elif isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > MOST_BITS:
            raise OverflowError(f"a number may have at most {MOST_BITS} binary digits")
        return super().call_binop(context, operator, left, right)


def _check_product(left: Any, right: Any) -> None:
    for items, times in ((left, right), (right, left)):
        if isinstance(items, Sized) and isinstance(times, int) and len(items) * times > LONGEST_PRODUCT:
            raise OverflowError(f"a repetition may hold at most {LONGEST_PRODUCT} items")
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MOST_BITS:
        raise OverflowError(f"a number may have at most {MOST_BITS} binary digits")


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > LONGEST_RANGE:
        raise OverflowError(f"a range may hold at most {LONGEST_RANGE} items, this one has {len(made)}")
    return made


def _dumps(value: Any, **_: Any) -> str:
    return to_json(value)
