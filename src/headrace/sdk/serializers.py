"""How a result becomes bytes and comes back. Serializers are values: their fields travel with the result."""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import msgspec

from headrace.wire.errors import SerializationError


@runtime_checkable
class Serializer(Protocol):
    """What the results machinery asks of a serializer; users may bring their own."""

    def dumps(self, obj: Any) -> bytes: ...
    def loads(self, blob: bytes) -> Any: ...
    def describe(self) -> dict[str, Any]:
        """The fields from which `resolve` makes the same serializer again; `type` names it."""
        ...


class PickleSerializer(msgspec.Struct, frozen=True):
    """Any Python object, by cloudpickle: functions and classes of `__main__` included."""

    type: ClassVar[str] = "pickle"

    def dumps(self, obj: Any) -> bytes:
        import cloudpickle

        # cloudpickle has no types.
        dumps = cast("Callable[[Any], bytes]", cloudpickle.dumps)  # pyright: ignore[reportUnknownMemberType]
        try:
            return dumps(obj)
        except Exception as error:
            raise SerializationError(
                f"A value of type {type(obj).__qualname__!r} cannot be pickled: {error}. "
                "Return something that can be, or set persist_result=False."
            ) from error

    def loads(self, blob: bytes) -> Any:
        import cloudpickle

        return cloudpickle.loads(blob)

    def describe(self) -> dict[str, Any]:
        return {"type": self.type, "picklelib": "cloudpickle", "picklelib_version": None}


class JSONSerializer(msgspec.Struct, frozen=True):
    """Values that JSON can hold; they come back as plain dicts, lists, strings and numbers."""

    type: ClassVar[str] = "json"

    def dumps(self, obj: Any) -> bytes:
        try:
            return msgspec.json.encode(obj)
        except (TypeError, ValueError) as error:
            raise SerializationError(
                f"A result of type {type(obj).__qualname__!r} cannot be written as JSON: {error}. Return plain values, "
                "or use result_serializer='pickle'."
            ) from error

    def loads(self, blob: bytes) -> Any:
        return msgspec.json.decode(blob)

    def describe(self) -> dict[str, Any]:
        return {"type": self.type}


class CompressedSerializer(msgspec.Struct, frozen=True):
    """Another serializer's bytes, made smaller; `compressionlib` is zlib, bz2 or lzma."""

    serializer: Any = PickleSerializer()
    compressionlib: str = "lzma"

    def __post_init__(self) -> None:
        """Refuse a library that is not there when the serializer is declared, not when a result is written."""
        msgspec.structs.force_setattr(self, "serializer", resolve(self.serializer))
        if self.compressionlib not in ("zlib", "bz2", "lzma"):
            raise SerializationError(f"There is no compression {self.compressionlib!r}; use zlib, bz2 or lzma.")

    def dumps(self, obj: Any) -> bytes:
        return self._library().compress(self.serializer.dumps(obj))

    def loads(self, blob: bytes) -> Any:
        return self.serializer.loads(self._library().decompress(blob))

    def describe(self) -> dict[str, Any]:
        inner = self.serializer.describe()
        return {"type": f"compressed/{inner['type']}", "serializer": inner, "compressionlib": self.compressionlib}

    def _library(self) -> Any:
        import importlib

        return importlib.import_module(self.compressionlib)


class CompressedPickleSerializer(CompressedSerializer, frozen=True):
    """Pickled, then compressed."""


class CompressedJSONSerializer(CompressedSerializer, frozen=True):
    """Written as JSON, then compressed."""

    serializer: Any = JSONSerializer()


_NAMED = {"pickle": PickleSerializer, "json": JSONSerializer}


def resolve(given: Any) -> Serializer:
    """A serializer from itself, its name (`pickle`, `json`, `compressed/pickle`, `compressed/json`) or its fields.

    Raises `SerializationError` for a name that is not known.
    """
    if isinstance(given, dict):
        return _described(given)  # pyright: ignore[reportUnknownArgumentType] # fields of any serializer
    if isinstance(given, str):
        prefix, _, name = given.rpartition("/")
        if name in _NAMED and prefix in ("", "compressed"):
            plain = _NAMED[name]()
            return CompressedSerializer(plain) if prefix else plain
        raise SerializationError(
            f"There is no serializer {given!r}; use pickle, json, compressed/pickle or compressed/json."
        )
    if isinstance(given, Serializer):
        return given
    raise SerializationError(f"{given!r} is not a serializer: it needs dumps(), loads() and describe().")


def _described(fields: dict[str, Any]) -> Serializer:
    name = str(fields.get("type"))
    if name.startswith("compressed/"):
        return CompressedSerializer(
            fields.get("serializer", name.removeprefix("compressed/")), fields["compressionlib"]
        )
    return resolve(name)
