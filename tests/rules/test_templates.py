"""Templates are rendered in a sandbox that neither reaches out nor takes the server's time."""

from typing import Any

import pytest

from headrace.rules.templates import TemplateError, check, render


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{ run.name }} of {{ nobody.at.all }}", "r-1 of "),
        ("{% for n in range(3) %}{{ n * 2 }}{% endfor %}", "024"),
        ("{{ 'ab' * 3 }} {{ 2 ** 10 }}", "ababab 1024"),
    ],
)
def test_a_template_is_rendered_from_its_context(template: str, text: str) -> None:
    assert render(template, {"run": {"name": "r-1"}}) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ range(101)|length }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'x' }}",
        "{{ 9 ** (9 ** 9) }}",
        "{% set n = 2 ** 9000 %}{{ n * n }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ items.append(1) }}",
        "{{ 1 / 0 }}",
    ],
)
def test_what_would_do_harm_is_a_fault_of_the_template(template: str) -> None:
    context: dict[str, Any] = {"items": []}
    with pytest.raises(TemplateError):
        render(template, context)
    assert context == {"items": []}


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{ a", 1),
        ("a\n{{ b b }}", 2),
        ("{% for x in a %}" * 3 + "{% endfor %}" * 3, 0),
        ("{% for x in a %}{% endfor %}" * 11, 0),
        ("{{ " + "(" * 5000 + ")" * 5000 + " }}", 0),
    ],
)
def test_a_template_that_cannot_be_rendered_is_told_with_its_line(template: str, line: int) -> None:
    with pytest.raises(TemplateError) as caught:
        check(template)
    assert (caught.value.line, caught.value.source) == (line, template)
