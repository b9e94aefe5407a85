"""Values that are not shown: `SecretStr("…")` prints as asterisks."""

from typing import Any, Generic, TypeVar

T = TypeVar("T")
HIDDEN = "**********"


class Secret(Generic[T]):
    """A value that only `get_secret_value()` gives; its text and its `repr` are asterisks."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    @classmethod
    def from_plain(cls, value: Any) -> Any:
        """The secret of a plain value, for fields that are declared as secrets."""
        return cls(value)

    def get_secret_value(self) -> T:
        """The value itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(self._value == other._value)  # type: ignore[attr-defined] # same type

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return HIDDEN if self._value else ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class SecretStr(Secret[str]):
    """A text that is not shown. Raises `ValueError` for anything but a text."""

    __slots__ = ()

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] # users' own values
            raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
        super().__init__(value)

    def __len__(self) -> int:
        return len(self._value)


class SecretDict(Secret[dict[str, Any]]):
    """A dict whose values are not shown. Raises `ValueError` for anything but a dict."""

    __slots__ = ()

    def __init__(self, value: dict[str, Any]) -> None:
        if not isinstance(value, dict):  # pyright: ignore[reportUnnecessaryIsInstance] # users' own values
            raise ValueError(f"Expected `dict`, got `{type(value).__name__}`")
        super().__init__(value)
