"""Running steps one after another: each sees what those before it gave."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from headrace.sdk.drivers import in_own_loop
from headrace.sdk.references import resolve
from headrace.sdk.steps.finding import Step, find, read_step
from headrace.wire.deploying_errors import StepFailed
from headrace.wire.errors import HeadraceError

Tell = Callable[[str], None]


def run_steps(
    steps: Sequence[Any],
    phase: str = "pull",
    outputs: Mapping[str, Any] | None = None,
    tell: Tell = lambda _: None,
) -> dict[str, Any]:
    """Run steps as a document says them; the outputs of all of them, by the step's id and by their own names.

    Placeholders in a step are filled in just before it runs (`sdk.references`). `tell` hears of each step that is
    done. Raises `StepFailed`, which names the phase, the step's number and its name, and says why.
    """
    given = dict(outputs or {})
    for number, said in enumerate(steps, 1):
        which, began = f"{phase} step {number} of {len(steps)}", time.monotonic()
        try:
            step = read_step(said)
            which = f"{which}, {step.short_name},"
            output = _run(step, given)
        except HeadraceError as error:
            raise StepFailed(f"The {which} failed: {error}") from error
        except Exception as error:
            raise StepFailed(f"The {which} failed: {type(error).__name__}: {error}") from error
        tell(f"The {which} took {time.monotonic() - began:.1f} s.")
        given |= output
        if step.id is not None:
            given[step.id] = output
    return given


def _run(step: Step, outputs: Mapping[str, Any]) -> dict[str, Any]:
    function = find(step)
    arguments = resolve(step.arguments, outputs)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise StepFailed(f"it does not take what it is given: {error}") from None
    result: Any = function(**arguments)
    if inspect.iscoroutine(result):
        result = in_own_loop(result)
    return dict(cast("Mapping[str, Any]", result)) if isinstance(result, Mapping) else {}
