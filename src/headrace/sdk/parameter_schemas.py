"""The JSON Schema of a function's parameters, by which the API checks what a deployment is run with."""

from typing import Any

from headrace.sdk.json_schemas import Definitions, Schema, titled
from headrace.sdk.signature import Signature
from headrace.sdk.values import hints_of, plain


def parameter_schema(signature: Signature) -> Schema:
    """The parameters as the properties of one object, each with its place in the signature."""
    definitions = Definitions()
    hints: dict[str, Any] = hints_of(signature.function)
    schema: Schema = {"title": "Parameters", "type": "object", "properties": {}}
    for position, name in enumerate(signature.names):
        field = titled(definitions.schema_of(hints.get(name, Any)), name) | {"position": position}
        if name in signature.defaults:
            field["default"] = plain(signature.defaults[name])
        schema["properties"][name] = field
    if required := [name for name in signature.names if name not in signature.defaults and name != signature.variadic]:
        schema["required"] = required
    return schema | {"definitions": definitions.found}
