"""Where the code of a flow is kept, and how a worker gets it: a folder, or a git repository."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from headrace.sdk.blocks import Block
from headrace.sdk.secrets import Secret
from headrace.sdk.steps.cloning import Source, clone
from headrace.wire.errors import DefinitionError

OURS = "headrace.deployments.steps"
_REMOTE = re.compile(r"^([a-z+]+://|[\w.-]+@[\w.-]+:)")
_SECRET_FIELDS = ("access_token", "token", "password", "personal_access_token")


@runtime_checkable
class CodeSource(Protocol):
    """What deployments ask of a place that keeps code."""

    def fetch(self) -> Path:
        """The folder with the code, brought here if need be."""
        ...

    def to_pull_step(self) -> dict[str, Any]:
        """The step by which a worker gets the code."""
        ...


class LocalFolder(msgspec.Struct, frozen=True):
    """A folder that workers find under the same path."""

    path: str

    def fetch(self) -> Path:
        """The folder itself."""
        folder = Path(self.path).expanduser().absolute()
        if not folder.is_dir():
            raise DefinitionError(f"There is no folder {folder} to take flows from.")
        return folder

    def to_pull_step(self) -> dict[str, Any]:
        """Go to the folder."""
        return {f"{OURS}.set_working_directory": {"directory": str(Path(self.path).expanduser().absolute())}}


class GitRepository:
    """A git repository: `branch` may be a tag too, `directories` keeps the clone to a part of it.

    `credentials` are a block with a token, or a dict such as `{"access_token": Secret.load("token")}`. What is
    written into deployments only names the block, so a token that is no block cannot be deployed.

    >>> GitRepository(
    ...     "https://example.com/acme/mill.git",
    ...     branch="main",
    ...     credentials={"access_token": Secret.load("token")},
    ... )
    """

    def __init__(
        self,
        url: str,
        credentials: Block | dict[str, Any] | None = None,
        name: str | None = None,
        branch: str | None = None,
        commit_sha: str | None = None,
        include_submodules: bool = False,
        directories: list[str] | None = None,
    ) -> None:
        self._source = Source(
            url=url,
            branch=branch,
            commit_sha=commit_sha,
            include_submodules=include_submodules,
            directories=tuple(directories or ()),
        )
        self._credentials = credentials
        self.name = name or self._source.folder_name
        self._folder: Path | None = None

    def fetch(self) -> Path:
        """Clone it, or bring the clone of this process up to date."""
        if self._folder is None:
            parent = tempfile.mkdtemp(prefix="headrace-code-")
            atexit.register(shutil.rmtree, parent, ignore_errors=True)
            self._folder = Path(parent) / self.name
        clone(self._source, self._folder, _values(self._credentials))
        return self._folder

    def to_pull_step(self) -> dict[str, Any]:
        """Clone it where the run is; credentials are named, not written out."""
        source = self._source
        arguments: dict[str, Any] = {
            "repository": source.url,
            "branch": source.branch,
            "commit_sha": source.commit_sha,
            "include_submodules": source.include_submodules or None,
            "directories": list(source.directories) or None,
            "credentials": _reference(self._credentials),
        }
        return {f"{OURS}.git_clone": {name: value for name, value in arguments.items() if value is not None}}

    def __repr__(self) -> str:
        return f"GitRepository({self._source.url!r})"


def source_of(given: str | Path | CodeSource) -> CodeSource:
    """The source that a URL, a path or a source itself is."""
    if isinstance(given, str) and _REMOTE.match(given):
        return GitRepository(given)
    if isinstance(given, str | Path):
        return LocalFolder(str(given))
    if isinstance(given, CodeSource):  # pyright: ignore[reportUnnecessaryIsInstance] # users' own values
        return given
    raise DefinitionError(f"{given!r} keeps no code: give the URL of a git repository, a folder, or a GitRepository.")


def _values(credentials: Any) -> Any:
    """Credentials with the values of blocks in their place."""
    match credentials:
        case Block():
            fields = {name: getattr(credentials, name, None) for name in (*_SECRET_FIELDS, "username", "value")}
            return {name: _plain(value) for name, value in fields.items() if value is not None}
        case dict():
            return {name: _plain(value) for name, value in credentials.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return credentials


def _plain(value: Any) -> Any:
    if isinstance(value, Block):
        value = getattr(value, "value", None)
    return value.get_secret_value() if isinstance(value, Secret) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _reference(credentials: Any) -> Any:
    """Credentials as a pull step says them: by the names of blocks. Raises `DefinitionError` for a bare secret."""
    match credentials:
        case Block():
            return _name_of(credentials)
        case dict():
            found: dict[str, Any] = {}
            for name, value in credentials.items():  # pyright: ignore[reportUnknownVariableType]
                if isinstance(value, Block):
                    found[str(name)] = _name_of(value)  # pyright: ignore[reportUnknownArgumentType]
                elif name in _SECRET_FIELDS:
                    raise DefinitionError(
                        f"The {name} of a repository would be written into the deployment, where others can read it: "
                        "save it as a Secret block and give that block."
                    )
                else:
                    found[str(name)] = value  # pyright: ignore[reportUnknownArgumentType]
            return found
        case _:
            return credentials


def _name_of(block: Block) -> str:
    name = block._block_document_name  # pyright: ignore[reportPrivateUsage] # as blocks themselves do
    if name is None:
        raise DefinitionError(
            f"The {type(block).__name__} with the credentials of a repository is not saved: workers load it by name, "
            "so save it first."
        )
    return f"{{{{ headrace.blocks.{block.get_block_type_slug()}.{name} }}}}"
