"""Marks that a caller puts on an argument to say how a task should take it."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Annotation(Generic[T]):
    """An argument with a mark on it; `unwrap()` gives the argument."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        return self.value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(other.value == self.value)  # type: ignore[attr-defined] # same type

    def __hash__(self) -> int:
        return hash((type(self), id(self.value)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(Annotation[T]):
    """`map` gives this argument whole to each task run: `add.map([1, 2], unmapped([3, 4]))`."""

    __slots__ = ()


class allow_failure(Annotation[T]):
    """The task starts although this upstream failed, and receives its exception instead of a value."""

    __slots__ = ()


class quote(Annotation[T]):
    """The argument is not searched for futures, which saves time on large structures; nothing in it is resolved."""

    __slots__ = ()

    def unquote(self) -> T:
        return self.value


opaque = quote


def innermost(value: Any) -> Any:
    """The argument under all its marks."""
    while isinstance(value, Annotation):
        value = value.value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] # any argument
    return value  # pyright: ignore[reportUnknownVariableType]
