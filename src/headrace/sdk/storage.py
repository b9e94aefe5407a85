"""Where results are kept: anything that reads and writes bytes under a key; a local folder by default."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from headrace.wire.errors import DefinitionError, MissingResult


@runtime_checkable
class ResultStorage(Protocol):
    """What results ask of a storage. Keys are relative paths; `write` replaces what is there at once.

    One that has `remove(key)` too does not keep the arguments of background tasks that are over.
    """

    def locate(self, key: str) -> str:
        """The key by which a process that does not know this storage's place finds the same content."""
        ...

    def read(self, key: str) -> bytes: ...
    def write(self, key: str, content: bytes) -> None: ...
    def exists(self, key: str) -> bool: ...


class LocalStorage:
    """A folder. A file appears under its name only when it is whole, so that no reader sees half of one."""

    __slots__ = ("folder",)

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser().absolute()

    def locate(self, key: str) -> str:
        return str(self.folder / key)

    def read(self, key: str) -> bytes:
        """The content under a key. Raises `MissingResult` when there is none."""
        try:
            return (self.folder / key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            raise MissingResult(
                f"There is no result at {self.folder / key}: the file was removed, or written on another machine. "
                "Use a result_storage that both can reach, or run again."
            ) from None

    def write(self, key: str, content: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def exists(self, key: str) -> bool:
        return (self.folder / key).is_file()

    def remove(self, key: str) -> None:
        """End what is kept under a key; nothing if there is nothing."""
        (self.folder / key).unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"LocalStorage({str(self.folder)!r})"


def resolve(given: Any) -> ResultStorage:
    """A storage from itself or from the path of a folder."""
    if isinstance(given, str | os.PathLike):
        return LocalStorage(given)  # pyright: ignore[reportUnknownArgumentType] # PathLike of either kind
    if isinstance(given, ResultStorage):
        return given
    raise DefinitionError(
        f"{given!r} is not a result storage: give a folder, or an object with locate, read, write and exists."
    )
