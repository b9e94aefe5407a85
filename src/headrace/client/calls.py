"""What every typed call has in common: building requests, reading answers, and errors told apart."""

import functools
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

import msgspec

from headrace.client.transports import NO_HEADERS, Answer, Request
from headrace.wire.base import encode
from headrace.wire.errors import (
    BadRequest,
    BodyTooLarge,
    Forbidden,
    Gone,
    HeadraceError,
    InternalError,
    Locked,
    ObjectAlreadyExists,
    ObjectNotFound,
    ServiceUnavailable,
    Unauthorized,
    Unprocessable,
)

T = TypeVar("T")

_CLASSES: Mapping[int, type[HeadraceError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: ObjectNotFound,
    409: ObjectAlreadyExists,
    410: Gone,
    413: BodyTooLarge,
    422: Unprocessable,
    500: InternalError,
}
_ADVICE: Mapping[int, str] = {
    401: "Set HEADRACE_API_AUTH_STRING or HEADRACE_API_KEY to what the server expects.",
    413: "Send less at once, or raise HEADRACE_SERVER_API_MAX_BODY_BYTES on the server.",
    500: "The server's log has the details.",
}


def request(
    method: str,
    path: str,
    body: Any = msgspec.UNSET,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Request:
    """A request with a body encoded as JSON and a query of the values that are not None."""
    asked = urlencode(given(query), doseq=True) if query else ""
    return Request(method, path, asked, b"" if body is msgspec.UNSET else encode(body), headers)


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def part(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


def read(question: Request, answer: Answer, type_: type[T]) -> T:
    """The value in an answer, or the error that the answer is."""
    if answer.status >= 300:
        raise failure(question, answer)
    try:
        return cast("T", _decoder(type_).decode(answer.body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InternalError(
            f"{question}: the answer is not what this version of headrace expects: {error}. "
            "Check that HEADRACE_API_URL is the URL of an API (it usually ends in /api)."
        ) from error


def check(question: Request, answer: Answer) -> None:
    """Raise the error that the answer is, if it is one; what it holds does not matter."""
    if answer.status >= 300:
        raise failure(question, answer)


def failure(question: Request, answer: Answer) -> HeadraceError:
    """The error of an answer. Its message quotes the request and what the server said."""
    detail = _detail(answer.body)
    said = f"{question} was answered with {answer.status}" + (f": {detail}" if detail else "")
    advice = _ADVICE.get(answer.status)
    message = f"{said.rstrip('.')}." + (f" {advice}" if advice else "")
    if answer.status == 423:
        return Locked(message, _number(answer.headers.get("retry-after")))
    if answer.status in _CLASSES:
        return _CLASSES[answer.status](message)
    return ServiceUnavailable(message) if answer.status >= 500 else BadRequest(message)


def _detail(body: bytes) -> str:
    """What the server said, in one line: its detail, or the fields that were refused (contract §1)."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return " ".join(body[:200].decode(errors="replace").split())
    if not isinstance(content, dict):
        return str(content)
    said = cast("dict[str, Any]", content)
    problems = said.get("exception_detail")
    if isinstance(problems, list) and problems:
        return "; ".join(_problem(each) for each in cast("list[Any]", problems))
    return str(said.get("detail") or said.get("exception_message") or "")


def _problem(problem: Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)
    told = cast("dict[str, Any]", problem)
    where = ".".join(str(step) for step in told.get("loc", ()))
    return f"{where}: {told.get('msg', 'is wrong')}"


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


@functools.cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)
