"""What goes wrong with a request, as errors of the contract (contract §1).

A field that does not fit is named by `loc`, classified by a `type` in pydantic's vocabulary, which is
what Prefect's clients print, and shown with the `input` that was sent.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec

from headrace.wire.errors import HeadraceError, InternalError, InvalidRequest, MethodNotAllowed, ObjectNotFound

ECHO_LIMIT = 16 * 1024
"""Bytes of a refused body that are sent back with the refusal."""

Location = tuple[str | int, ...]
_AT = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
_FIELD = re.compile(r"Object (?P<what>missing required|contains unknown) field `(?P<field>[^`]*)`$")
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]*)`(?:, got `(?P<got>[^`]*)`)?(?P<bound>.*)$", re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)$")
_UNKNOWN = object()

_PARSED = {"int": "int", "float": "float", "bool": "bool", "datetime": "datetime", "uuid": "uuid"}
_TYPED = {**_PARSED, "str": "string", "array": "list", "object": "dict", "null": "none"}
_INVALID = {
    "Invalid UUID": "uuid_parsing",
    "Invalid RFC3339": "datetime_from_date_parsing",
    "Invalid datetime": "datetime_from_date_parsing",
    "Invalid enum": "enum",
    "Invalid value": "literal_error",
}
_BOUNDS = {
    "of length >=": ("{}_too_short", "too_short"),
    "of length <=": ("{}_too_long", "too_long"),
    "matching regex": ("{}_pattern_mismatch", "value_error"),
    ">=": ("greater_than_equal", "greater_than_equal"),
    "<=": ("less_than_equal", "less_than_equal"),
    ">": ("greater_than", "greater_than"),
    "<": ("less_than", "less_than"),
}


def missing(location: Location) -> InvalidRequest:
    """A required body or parameter is not there."""
    return InvalidRequest("Field required", location, "missing")


def invalid_body(error: Exception, body: bytes) -> InvalidRequest:
    """A body that is not JSON, or JSON that does not fit the handler's type."""
    if not isinstance(error, msgspec.ValidationError):
        invalid = _not_json(error, body)
        invalid.request_body = _text(body)
        return invalid
    try:
        document: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The text is wrong further on, behind the field that did not fit.
        document = _UNKNOWN
    small = len(body) <= ECHO_LIMIT and document is not _UNKNOWN
    invalid = _unfit(error, "body", document)
    if not small and isinstance(invalid.given, (str, list, dict)):
        invalid.given = None
    invalid.request_body = document if small else _text(body)
    return invalid


def invalid_query(error: msgspec.ValidationError, name: str, given: Any) -> InvalidRequest:
    """A query parameter that does not fit its type."""
    invalid = _unfit(error, "query", given)
    return InvalidRequest(str(invalid), ("query", name, *invalid.location[1:]), invalid.kind, invalid.given)


def unroutable(method: str, path: str, methods: Iterable[str]) -> HeadraceError:
    """No such path, or the path does not take the method."""
    allowed = tuple(methods)
    return MethodNotAllowed(f"{method} is not allowed on {path}", allowed) if allowed else ObjectNotFound("Not Found")


def crash(error: Exception, method: str, path: str) -> InternalError:
    """Log a fault of the server's own under a fresh request id, and give the error that says no more."""
    request_id = uuid4().hex
    logging.getLogger("headrace.server").error(
        "request_crashed", exc_info=error, extra={"request_id": request_id, "method": method, "path": path}
    )
    return InternalError("Internal Server Error", request_id)


def _unfit(error: msgspec.ValidationError, source: str, document: Any) -> InvalidRequest:
    message = str(error)
    at = _AT.search(message)
    location: Location = ()
    if at is not None:
        message = message[: at.start()]
        location = tuple(int(step[2]) if step[2] else step[1] or "[key]" for step in _STEP.finditer(at["path"]))
    given = _lookup(document, location)
    if field := _FIELD.match(message):
        location = (*location, field["field"])
        if field["what"] == "missing required":
            return InvalidRequest(
                "Field required", (source, *location), "missing", None if given is _UNKNOWN else given
            )
        extra = _lookup(document, location)
        given = None if extra is _UNKNOWN else extra
        return InvalidRequest("Extra inputs are not permitted", (source, *location), "extra_forbidden", given)
    return InvalidRequest(message, (source, *location), _classify(message), None if given is _UNKNOWN else given)


def _classify(message: str) -> str:
    """The name that pydantic gives to what msgspec says: "Expected `int`, got `str`" is `int_parsing`."""
    for start, kind in _INVALID.items():
        if message.startswith(start):
            return kind
    expected = _EXPECTED.match(message)
    if expected is None:
        return "value_error"
    wanted = expected["expected"].split(" | ")[0]
    bound = expected["bound"].strip()
    for text, (of_string, of_other) in _BOUNDS.items():
        if bound.startswith(text):
            return of_string.format("string") if wanted == "str" else of_other
    if expected["got"] == "str" and wanted in _PARSED:
        return f"{_PARSED[wanted]}_parsing"
    return f"{_TYPED[wanted]}_type" if wanted in _TYPED else "value_error"


def _lookup(document: Any, location: Location) -> Any:
    for step in location:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return _UNKNOWN
    return document


def _not_json(error: Exception, body: bytes) -> InvalidRequest:
    message = str(error)
    position: int = len(body)
    if isinstance(error, RecursionError):
        return InvalidRequest("JSON is nested too deeply", ("body",), "json_invalid", {})
    if isinstance(error, UnicodeDecodeError):
        message = "JSON is malformed: the text is not UTF-8"
        position = _first_bad_byte(body)
    elif found := _BYTE.search(message):
        position = int(found[1])
    return InvalidRequest(message, ("body", position), "json_invalid", {})


def _first_bad_byte(body: bytes) -> int:
    """Where the text stops being UTF-8; msgspec counts from the start of the string it reads."""
    try:
        return len(body.decode())
    except UnicodeDecodeError as error:
        return error.start


def _text(body: bytes) -> str:
    return body[:ECHO_LIMIT].decode(errors="replace")
