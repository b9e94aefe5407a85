"""Flows read from their files without running them, for machines that deploy and never execute.

Such a machine, in continuous integration for one, need not have what the flows import. What a deployment needs of a
flow stands in the file: its name, version and description, and the names, types and defaults of its parameters.
"""

from __future__ import annotations

import ast
import builtins
import datetime
import decimal
import pathlib
import typing
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.sdk.flow import Flow

_OPTIONS = ("name", "version", "description")
_KNOWN: dict[str, Any] = {
    **vars(builtins),
    **vars(typing),
    **{each.__name__: each for each in (datetime.date, datetime.timedelta, decimal.Decimal, pathlib.Path, uuid.UUID)},
    "datetime": datetime.datetime,
    "typing": typing,
}
"""What annotations may name: nothing that has to be installed."""
_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.BitOr, ast.Constant, ast.Tuple, ast.List, ast.Load)
"""Of what annotations are made; anything else is not evaluated."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def flows_in(source: str | bytes) -> Iterator[Function]:
    """The functions of a module that are decorated as flows. Raises `SyntaxError`."""
    for statement in ast.parse(source).body:
        if isinstance(statement, Function) and _decorator(statement) is not None:
            yield statement


def outline(file: Path, name: str | None) -> Flow[..., Any] | None:
    """The flow of a file by the name of its function, or its only one; None if it cannot be told.

    It has no code to run. Types that are not plain ones are left open, and defaults that are no literals are None.
    """
    try:
        found = [each for each in flows_in(file.read_bytes()) if name in (None, each.name)]
    except (OSError, SyntaxError, ValueError):
        return None
    if len(found) != 1:
        return None
    function = found[0]
    decorator = _decorator(function)
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    said = {each.arg: _literal(each.value) for each in given if each.arg in _OPTIONS}
    options: dict[str, Any] = {option: value for option, value in said.items() if isinstance(value, str)}
    return Flow(_bare(function, file), **options)


def _decorator(function: Function) -> ast.expr | None:
    for decorator in function.decorator_list:
        match decorator.func if isinstance(decorator, ast.Call) else decorator:
            case ast.Name(id="flow") | ast.Attribute(attr="flow"):
                return decorator
            case _:
                continue
    return None


def _bare(function: Function, file: Path) -> Any:
    """The function with its parameters and description, and nothing in it."""
    arguments = function.args
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if each is not None and not _is_known(each.annotation):
            each.annotation = None
    arguments.defaults = [_literal_or_none(each) for each in arguments.defaults]
    arguments.kw_defaults = [None if each is None else _literal_or_none(each) for each in arguments.kw_defaults]
    function.decorator_list, function.returns = [], None
    function.body = [ast.Expr(ast.Constant(ast.get_docstring(function)))]
    module = ast.fix_missing_locations(ast.Module([function], []))
    names = {**_KNOWN, "__name__": file.stem}
    exec(compile(module, str(file), "exec"), names)
    return names[function.name]


def _is_known(annotation: ast.expr | None) -> bool:
    """Whether an annotation can be evaluated here, without anything that has to be installed."""
    if annotation is None:
        return True
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return False
    if not all(isinstance(each, _PLAIN) for each in ast.walk(annotation)):
        return False
    try:
        eval(compile(ast.fix_missing_locations(ast.Expression(annotation)), "<annotation>", "eval"), dict(_KNOWN))
    except Exception:
        return False
    return True


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return None


def _literal_or_none(value: ast.expr) -> ast.expr:
    try:
        ast.literal_eval(value)
    except ValueError:
        return ast.copy_location(ast.Constant(None), value)
    return value
