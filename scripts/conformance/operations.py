"""The operations of an OpenAPI document, in a form that can be compared."""

import re
from dataclasses import dataclass
from typing import Any

from scripts.conformance.schemas import Document, Place, place

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True)
class Operation:
    """What one method on one path takes and answers. Parameters go by `("query", name)`, answers by status."""

    name: str
    parameters: dict[tuple[str, str], Place]
    body: Place | None
    answers: dict[str, Place | None]

    @property
    def key(self) -> str:
        """The name without those of its path parameters, which no client ever sees."""
        return re.sub(r"\{\w+\}", "{}", self.name)


def operations(document: Document) -> dict[str, Operation]:
    """Every operation of the document by its key. Parameters in headers are left out: they belong to all."""
    found = (
        _operation(f"{method.upper()} {path}", described, document)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if method in _METHODS
    )
    return {operation.key: operation for operation in found}


def _operation(name: str, described: dict[str, Any], document: Document) -> Operation:
    parameters = {
        (given["in"], given["name"]): place(given["schema"], document, required=given.get("required", False))
        for given in described.get("parameters", ())
        if given["in"] != "header"
    }
    body = described.get("requestBody")
    return Operation(
        name,
        parameters,
        None if body is None else _content(body, document, required=body.get("required", False)),
        {status: _content(answer, document) for status, answer in described["responses"].items()},
    )


def _content(described: dict[str, Any], document: Document, *, required: bool = True) -> Place | None:
    for content in described.get("content", {}).values():
        return place(content.get("schema", {}), document, required=required)
    return None
