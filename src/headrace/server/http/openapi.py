"""The OpenAPI 3.1 document, made from the registered operations and msgspec's JSON schemas."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from headrace.server.http.routing import JSON, Capture, Operation, Parameter, value_type
from headrace.wire import versions

_REFERENCE = "#/components/schemas/{name}"
Document = dict[str, Any]


class ErrorDetail(msgspec.Struct):
    """One part of a request that does not fit; `loc` leads to it, as ["body", "limit"]."""

    type: str
    loc: list[str | int]
    msg: str
    input: Any = None


class InvalidRequestError(msgspec.Struct):
    """A request whose body, query or path has the wrong shape."""

    exception_message: str
    exception_detail: list[ErrorDetail]
    request_body: Any
    code: str


class Problem(msgspec.Struct):
    """A request that was not served; `code` is for programs, the rest for people."""

    code: str
    detail: str | None = None
    exception_message: str | None = None


def document(operations: Iterable[Operation], base_path: str) -> Document:
    """Describe the operations; their paths are relative to the base path, which is the only server named."""
    operations = list(operations)
    schemas = _Schemas(operations)
    paths: dict[str, Document] = {}
    for operation in operations:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "headrace",
            "version": versions.API,
            "description": "Workflow orchestration: the REST contract of Prefect 3.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {"schemas": schemas.components},
    }


def operation_id(operation: Operation) -> str:
    """A name that no other operation has, as FastAPI makes them: `read_flow_flows__id__get`."""
    return re.sub(r"\W", "_", f"{operation.name}{operation.path}") + f"_{operation.method.lower()}"


class _Schemas:
    """The JSON schemas of every type that the operations name; structs are shared components."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._inline: dict[int, Document] = {}
        self._kept: list[Any] = []
        self.components: Document = {}
        for operation in operations:
            types = [value_type(operation.result), operation.body_type]
            types += [parameter.type for parameter in operation.query]
            types += [segment.type for segment in operation.captures if isinstance(segment, Capture)]
            for given in types:
                self._add(given)
        for given in (Problem, InvalidRequestError):
            self._add(given)

    def __getitem__(self, given: Any) -> Document:
        return self._inline[id(given)]

    def reference(self, given: type) -> Document:
        """A reference to a struct's component."""
        return {"$ref": _REFERENCE.format(name=given.__name__)}

    def _add(self, given: Any) -> None:
        try:
            (schema,), components = msgspec.json.schema_components([given], ref_template=_REFERENCE)
        except TypeError:
            # A type without a schema, such as a stream of bytes, may be anything.
            schema, components = {}, {}
        _mark_times(given, schema, components)
        self._kept.append(given)
        self._inline[id(given)] = schema
        self.components.update(components)


def _mark_times(given: Any, schema: Document, components: Document) -> None:
    """Say `date-time` of every datetime; msgspec says it only of those that must have an offset."""
    if _is_time(given):
        _mark(schema)
    for struct in _structs_in(given, set()):
        properties = components.get(struct.__name__, {}).get("properties", {})
        for field in msgspec.structs.fields(struct):
            if _is_time(field.type):
                _mark(properties.get(field.encode_name, {}))


def _is_time(given: Any) -> bool:
    return given is datetime or any(_is_time(part) for part in get_args(given))


def _mark(schema: Document) -> None:
    options: list[Document] = schema.get("anyOf", [schema])
    for option in options:
        if option == {"type": "string"} or option.keys() <= {"type", "default", "description"}:
            if option.get("type") == "string":
                option["format"] = "date-time"
        elif "items" in option:
            _mark(option["items"])


def _structs_in(given: Any, seen: set[type]) -> set[type[msgspec.Struct]]:
    """Every struct that a type is made of."""
    if isinstance(given, type) and issubclass(given, msgspec.Struct):
        if given not in seen:
            seen.add(given)
            for field in msgspec.structs.fields(given):
                _structs_in(field.type, seen)
    else:
        for part in get_args(given):
            _structs_in(part, seen)
    return {kind for kind in seen if issubclass(kind, msgspec.Struct)}


def _describe(operation: Operation, schemas: _Schemas) -> Document:
    doc = operation.handler.__doc__ or ""
    described: Document = {
        "operationId": operation_id(operation),
        "summary": operation.name.replace("_", " ").capitalize(),
        "description": re.sub(r"\n +", "\n", doc).strip(),
        "tags": [operation.tag],
        "parameters": [*_in_path(operation, schemas), *_in_query(operation.query, schemas)],
        "responses": _responses(operation, schemas),
    }
    if operation.body_type is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {JSON: {"schema": schemas[operation.body_type]}},
        }
    return described


def _in_path(operation: Operation, schemas: _Schemas) -> list[Document]:
    return [
        {"name": segment.name, "in": "path", "required": True, "schema": schemas[segment.type]}
        for segment in operation.captures
        if isinstance(segment, Capture)
    ]


def _in_query(parameters: Iterable[Parameter], schemas: _Schemas) -> list[Document]:
    described: list[Document] = []
    for parameter in parameters:
        schema = dict(schemas[parameter.type])
        if not parameter.required:
            schema["default"] = msgspec.to_builtins(parameter.default)
        described.append({"name": parameter.key, "in": "query", "required": parameter.required, "schema": schema})
    return described


def _responses(operation: Operation, schemas: _Schemas) -> Mapping[str, Document]:
    responses: dict[str, Document] = {}
    for status in (operation.status, *operation.also):
        responses[str(status)] = {"description": "Success"}
        if status != 204:
            responses[str(status)]["content"] = {
                operation.media_type: {"schema": schemas[value_type(operation.result)]}
            }
    if any(isinstance(segment, Capture) for segment in operation.segments):
        responses["404"] = _problem("No such object", schemas.reference(Problem))
    if operation.body_type is not None or operation.query:
        responses["422"] = _problem("The request does not fit", schemas.reference(InvalidRequestError))
    responses["default"] = _problem("The request was not served", schemas.reference(Problem))
    return responses


def _problem(description: str, schema: Document) -> Document:
    return {"description": description, "content": {JSON: {"schema": schema}}}
