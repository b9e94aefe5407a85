"""From an HTTP request to a typed handler and back, on any transport.

A noun's folder declares a `Router` and writes handlers whose signature is the whole contract:

    router = Router(prefix="/flows", tag="Flows")

    @router.post("/", status=201, also=(200,))
    async def create_flow(ctx: Context, body: FlowCreate) -> Reply[Flow]:
        flow, made = await service.create(ctx.store, body)
        return Reply(flow, status=201 if made else 200)

    @router.get("/{id}")
    async def read_flow(ctx: Context, id: UUID) -> Flow: ...

    @router.delete("/{id}", status=204)
    async def delete_flow(ctx: Context, id: UUID) -> None: ...

    @router.get("/{id}/graph-v2")
    async def read_graph(ctx: Context, id: UUID, since: datetime = EPOCH) -> Graph: ...

- The first parameter is the `Context`.
- Parameters named in the path come from it. A value that is not of their type (a UUID, an int) means
  that the route does not match; literal segments win over parameters. `{key:path}` takes the rest.
- `body` is decoded from JSON by its type. With a default it is optional: an absent, empty or `null` body
  gives the default.
- Every other parameter is read from the query string; without a default it is required. A `list[...]`
  collects repeated keys. Datetimes without an offset are UTC. `Annotated[str, Key("page-token")]` reads a
  key that is no name in Python.
- A returned value is encoded as JSON with the route's status; status 204 sends no body. `Reply` says
  otherwise: another status, headers, a `str` or `bytes` value with its own media type, or an
  asynchronous iterator of bytes, which is streamed.
- Errors are raised, as `wire.errors`; whatever does not fit the signature is an `InvalidRequest`.

The signature is read once, when the route is declared; a request costs a few dictionary look-ups, one
decode and one encode. Nothing here knows about ASGI, so the in-process transport uses it as it is.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs

import msgspec

from headrace.server.context import Context
from headrace.server.http import failures
from headrace.wire.base import Parts, encode
from headrace.wire.errors import HeadraceError, InternalError
from headrace.wire.times import as_utc

T = TypeVar("T")
JSON = "application/json"
Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
_ABSENT = frozenset({b"", b"null"})


class Reply(Generic[T]):
    """A handler's answer when the value alone does not say it all."""

    __slots__ = ("headers", "media_type", "status", "value")

    def __init__(
        self,
        value: T | bytes | AsyncIterator[bytes],
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        media_type: str = JSON,
    ) -> None:
        self.value, self.status = value, status
        self.headers, self.media_type = headers, media_type


class Answer(msgspec.Struct, frozen=True):
    """A finished response. `stream`, if there is one, follows the (then empty) `body`."""

    status: int
    body: bytes = b""
    media_type: str | None = JSON
    headers: Mapping[str, str] | None = None
    stream: AsyncIterator[bytes] | None = None


class Key(msgspec.Struct, frozen=True):
    """Under which key of the query string a parameter comes, where that is not its name."""

    name: str


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a handler that is taken from the query string, where it is under `key`."""

    name: str
    key: str
    type: Any
    default: Any = msgspec.NODEFAULT

    @property
    def required(self) -> bool:
        return self.default is msgspec.NODEFAULT

    @property
    def several(self) -> bool:
        """Whether repeated keys make a list."""
        return any(get_origin(option) is list for option in (self.type, *get_args(self.type)))

    def read(self, given: list[str]) -> Any:
        """The value of the texts given under the name; raises `InvalidRequest` if they do not fit."""
        value = given if self.several else given[-1]
        try:
            read = msgspec.convert(value, self.type, strict=False)
        except msgspec.ValidationError as error:
            raise failures.invalid_query(error, self.key, value) from error
        return as_utc(read) if isinstance(read, datetime) else read


class Operation:
    """One method on one path, compiled from its handler's signature."""

    media_type: str = JSON
    """What its answers are, where they are not JSON; for the OpenAPI document alone."""

    def __init__(self, method: str, path: str, tag: str, handler: Handler, status: int, also: tuple[int, ...]) -> None:
        self.method, self.path, self.tag = method, path, tag
        self.handler, self.status, self.also = handler, status, also
        self.segments = tuple(_segment(part) for part in path.split("/")[1:])
        hints = get_type_hints(handler, include_extras=True)
        names = {segment.name for segment in self.segments if isinstance(segment, Capture)}
        parameters = list(inspect.signature(handler).parameters.values())[1:]
        self.result: Any = hints.get("return", Any)
        self.query = tuple(
            Parameter(p.name, *_key_and_type(p.name, hints[p.name]), _default_of(p))
            for p in parameters
            if p.name not in names and p.name != "body"
        )
        self.captures = tuple(
            Capture(s.name, hints[s.name], s.rest) if isinstance(s, Capture) else s for s in self.segments
        )
        body = next((p for p in parameters if p.name == "body"), None)
        self.body_type: Any = None if body is None else hints["body"]
        self.body_required = body is not None and body.default is body.empty
        self._decode = None if body is None else msgspec.json.Decoder(self.body_type, strict=False).decode
        self._in_parts = isinstance(self.body_type, type) and issubclass(self.body_type, Parts)

    @property
    def name(self) -> str:
        """The handler's name, which is also the operation's in the OpenAPI document."""
        return self.handler.__name__

    async def answer(self, ctx: Context, captured: dict[str, Any], query: str, body: bytes) -> Answer:
        """Decode what the handler takes, call it, and encode what it returns."""
        arguments = captured
        if self._decode is not None and (self.body_required or body not in _ABSENT):
            arguments["body"] = self._read_body(body)
        if self.query:
            self._read_query(query, arguments)
        value = await self.handler(ctx, **arguments)
        if isinstance(value, Reply):
            return _render(cast("Reply[Any]", value), self.status)
        return Answer(self.status, encode(value)) if self.status != 204 else Answer(204, media_type=None)

    def _read_body(self, body: bytes) -> Any:
        assert self._decode is not None
        if body in _ABSENT:
            raise failures.missing(("body",))
        try:
            try:
                return self._decode(body)
            except msgspec.ValidationError:
                if not self._in_parts:
                    raise
                return self._decode(_without_nulls(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise failures.invalid_body(error, body) from error

    def _read_query(self, query: str, arguments: dict[str, Any]) -> None:
        given = parse_qs(query, keep_blank_values=True) if query else {}
        for parameter in self.query:
            values = given.get(parameter.key)
            if values is not None:
                arguments[parameter.name] = parameter.read(values)
            elif parameter.required:
                raise failures.missing(("query", parameter.key))


def _key_and_type(name: str, hint: Any) -> tuple[str, Any]:
    """Where a parameter comes from, and what it is."""
    keys = [said for said in getattr(hint, "__metadata__", ()) if isinstance(said, Key)]
    return (keys[0].name, get_args(hint)[0]) if keys else (name, hint)


def _default_of(parameter: inspect.Parameter) -> Any:
    return msgspec.NODEFAULT if parameter.default is parameter.empty else parameter.default


def _without_nulls(body: bytes) -> bytes:
    """The same object without its members that are `null`, which in a body of parts say nothing."""
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return body
    return encode({name: part for name, part in parts.items() if bytes(part) != b"null"})


def _render(reply: Reply[Any], default: int) -> Answer:
    status = default if reply.status is None else reply.status
    value = reply.value
    if status == 204:
        return Answer(204, media_type=None, headers=reply.headers)
    if isinstance(value, AsyncIterator):
        stream = cast("AsyncIterator[bytes]", value)
        return Answer(status, media_type=reply.media_type, headers=reply.headers, stream=stream)
    if reply.media_type == JSON:
        return Answer(status, encode(value), headers=reply.headers)
    body = value if isinstance(value, bytes) else str(value).encode()
    return Answer(status, body, reply.media_type, reply.headers)


class Capture(msgspec.Struct, frozen=True):
    """A segment of a path template that takes a value; `rest` takes all that is left of the path."""

    name: str
    type: Any = str
    rest: bool = False

    def read(self, text: str) -> Any:
        """The value, or raise `msgspec.ValidationError` if the text is not of the type."""
        if self.type is str:
            if not text:
                raise msgspec.ValidationError("empty")
            return text
        return msgspec.convert(text, self.type, strict=False)


def _segment(text: str) -> "str | Capture":
    if not (text.startswith("{") and text.endswith("}")):
        return text
    name, _, kind = text[1:-1].partition(":")
    return Capture(name, rest=kind == "path")


class Router:
    """The routes of one noun, declared by decorating handlers."""

    def __init__(self, prefix: str = "", tag: str = "") -> None:
        self.prefix, self.tag = prefix, tag
        self.operations: list[Operation] = []

    def route(self, method: str, path: str, *, status: int = 200, also: tuple[int, ...] = ()) -> Callable[[H], H]:
        """Declare a handler; `also` are other statuses it may answer, for the OpenAPI document."""

        def declare(handler: H) -> H:
            self.operations.append(Operation(method, self.prefix + path, self.tag, handler, status, also))
            return handler

        return declare

    def get(
        self, path: str, *, status: int = 200, also: tuple[int, ...] = (), media_type: str = JSON
    ) -> Callable[[H], H]:
        declare = self.route("GET", path, status=status, also=also)

        def declare_as(handler: H) -> H:
            declared = declare(handler)
            self.operations[-1].media_type = media_type
            return declared

        return declare_as

    def post(self, path: str, *, status: int = 200, also: tuple[int, ...] = ()) -> Callable[[H], H]:
        return self.route("POST", path, status=status, also=also)

    def put(self, path: str, *, status: int = 200, also: tuple[int, ...] = ()) -> Callable[[H], H]:
        return self.route("PUT", path, status=status, also=also)

    def patch(self, path: str, *, status: int = 204, also: tuple[int, ...] = ()) -> Callable[[H], H]:
        return self.route("PATCH", path, status=status, also=also)

    def delete(self, path: str, *, status: int = 204, also: tuple[int, ...] = ()) -> Callable[[H], H]:
        return self.route("DELETE", path, status=status, also=also)


class _Node:
    """One segment deep in the tree of paths."""

    __slots__ = ("captures", "literals", "methods")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.captures: list[tuple[Capture, _Node]] = []
        self.methods: dict[str, Operation] = {}

    def insert(self, operation: Operation) -> None:
        node = self
        for segment in operation.captures:
            node = node._child(segment)
        if operation.method in node.methods:
            raise ValueError(f"{operation.method} {operation.path} is declared twice")
        node.methods[operation.method] = operation

    def _child(self, segment: "str | Capture") -> "_Node":
        if isinstance(segment, str):
            return self.literals.setdefault(segment, _Node())
        for capture, node in self.captures:
            if capture == segment:
                return node
        child = _Node()
        self.captures.append((segment, child))
        # A text takes anything, so it is tried after the types that refuse, and the rest of a path last.
        self.captures.sort(key=lambda pair: (pair[0].rest, pair[0].type is str))
        return child

    def find(self, segments: list[str], at: int, captured: dict[str, Any]) -> "_Node | None":
        if at == len(segments):
            return self if self.methods else None
        literal = self.literals.get(segments[at])
        if literal is not None and (found := literal.find(segments, at + 1, captured)) is not None:
            return found
        for capture, node in self.captures:
            text = "/".join(segments[at:]) if capture.rest else segments[at]
            try:
                value = capture.read(text)
            except msgspec.ValidationError:
                continue
            found = node.find(segments, len(segments) if capture.rest else at + 1, captured)
            if found is not None:
                captured[capture.name] = value
                return found
        return None


class Dispatcher:
    """All routes of the server: finds the operation of a request and answers it."""

    def __init__(self, routers: Iterable[Router]) -> None:
        self.operations = [operation for router in routers for operation in router.operations]
        self._root = _Node()
        self._static: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            self._root.insert(operation)
            if not any(isinstance(segment, Capture) for segment in operation.segments):
                self._static.setdefault(operation.path, {})[operation.method] = operation

    def resolve(self, path: str) -> tuple[Mapping[str, Operation], dict[str, Any]]:
        """The operations of a path by method (none if there is no such path) and the values in the path."""
        static = self._static.get(path)
        if static is not None:
            return static, {}
        captured: dict[str, Any] = {}
        node = self._root.find(path.split("/")[1:], 0, captured)
        return (node.methods if node is not None else {}), captured

    async def dispatch(self, ctx: Context, method: str, path: str, query: str = "", body: bytes = b"") -> Answer:
        """Answer one request; every error becomes the answer that the contract gives it (contract §1).

        `path` is decoded and starts below the base path (`/flows/`); `query` is the raw query string.
        """
        methods, captured = self.resolve(path)
        operation = methods.get(method)
        try:
            if operation is None:
                raise failures.unroutable(method, path, methods)
            return await operation.answer(ctx, captured, query, body)
        except HeadraceError as error:
            known = error if error.status != InternalError.status else failures.crash(error, method, path)
            return error_answer(known)
        except Exception as error:
            return error_answer(failures.crash(error, method, path))


def error_answer(error: HeadraceError) -> Answer:
    """The answer that an error is on the wire."""
    return Answer(error.status, encode(error.body()), headers=error.headers)


def value_type(result: Any) -> Any:
    """The type of the value that a handler answers with: `Reply[Flow] | Flow` and `Reply[Flow]` say Flow."""
    if get_origin(result) in (Union, UnionType):
        kinds = {value_type(option) for option in get_args(result)}
        return Union[tuple(kinds)]  # noqa: UP007 - the options are only known here
    if get_origin(result) is Reply:
        return value_type(get_args(result)[0])
    return NoneType if result is None else result
