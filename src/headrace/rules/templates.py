"""Jinja templates that users write: rendered in a sandbox, and checked before they are kept (contract §8).

A template cannot change what it is given, reach into Python, or keep the server busy: ranges hold at most 100
items, loops are few and not deep. A name that nothing is known of renders as nothing.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import nodes

    from headrace.rules.template_sandbox import Sandbox

_MOST_LOOPS = 10
_DEEPEST_LOOP = 2


class TemplateError(ValueError):
    """A template that is not one, or that may not run. `line` counts from 1; `source` is the whole template."""

    def __init__(self, message: str, line: int, source: str) -> None:
        super().__init__(message)
        self.line, self.source = line, source


def check(template: str) -> None:
    """Raise `TemplateError` for a template that cannot be rendered."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        parsed = _environment().parse(template)
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "The template is not valid.", error.lineno, template) from None
    except RecursionError:
        raise TemplateError("The template is nested too deeply.", 0, template) from None
    if sum(1 for _ in parsed.find_all(nodes.For)) > _MOST_LOOPS:
        raise TemplateError(f"Contains more than {_MOST_LOOPS} for loops.", 0, template)
    if _depth(parsed) > _DEEPEST_LOOP:
        raise TemplateError(f"Contains nested for loops at a depth of more than {_DEEPEST_LOOP}.", 0, template)


class Uses(NamedTuple):
    """What a template asks its context for: names, and the variables that it spells out."""

    names: frozenset[str]
    variables: frozenset[str]


def uses(template: str) -> Uses:
    """What a template asks for; nothing if it is not a valid one.

    >>> uses("{{ flow.name }} in {{ variables.region }}")
    Uses(names=frozenset({'flow', 'variables'}), variables=frozenset({'region'}))
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    try:
        parsed = _environment().parse(template)
    except (TemplateSyntaxError, RecursionError):
        return Uses(frozenset(), frozenset())
    variables: set[str] = set()
    for found in parsed.find_all((nodes.Getattr, nodes.Getitem)):
        match found:
            case nodes.Getattr(node=nodes.Name(name="variables"), attr=name):
                variables.add(name)
            case nodes.Getitem(node=nodes.Name(name="variables"), arg=nodes.Const(value=str(name))):
                variables.add(name)
            case _:
                pass
    return Uses(frozenset(meta.find_undeclared_variables(parsed)), frozenset(variables))


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text that a template makes of a context. Raises `TemplateError`."""
    check(template)
    try:
        return _environment().from_string(template).render(context)
    except Exception as error:
        # Whatever a user's expression raises is a fault of the template.
        reason = f"Failed to render template due to the following error: {error!r}"
        raise TemplateError(reason, 0, template) from error


@cache
def _environment() -> "Sandbox":
    from headrace.rules.template_sandbox import Sandbox

    return Sandbox()


def _depth(node: "nodes.Node") -> int:
    """How many loops stand inside each other at the deepest place."""
    from jinja2 import nodes

    inner = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return inner + 1 if isinstance(node, nodes.For) else inner
