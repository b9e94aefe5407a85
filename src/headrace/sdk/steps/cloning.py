"""The step that clones a git repository, and how one is cloned.

Credentials reach git through its environment: neither the list of processes nor the clone's own configuration shows
them.
"""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import msgspec

from headrace.sdk.secrets import Secret
from headrace.sdk.steps.shell import run_command
from headrace.wire.deploying_errors import StepFailed

_PAUSES = (1.0, 3.0)
"""Seconds before git is asked again where the network failed."""
_PASSING = ("could not resolve host", "connection", "timed out", "early eof", "rpc failed", "the remote end hung up")
_TOKENS = ("access_token", "token", "personal_access_token", "password", "value")


def git_clone(
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: str | None = None,
    credentials: Any = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> dict[str, str]:
    """Clone a repository into the current folder, or bring its clone up to date; `directory` is where it lies.

    `credentials` are a token, or a mapping with a `token` or `password` and maybe a `username`; `access_token` is
    the same as a token. With `directories` only these are checked out.
    """
    source = Source(
        url=repository,
        branch=branch,
        commit_sha=commit_sha,
        include_submodules=include_submodules,
        directories=tuple(directories or ()),
    )
    folder = Path.cwd() / (clone_directory_name or source.folder_name)
    clone(source, folder, credentials if credentials is not None else access_token)
    return {"directory": str(folder)}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What of a repository is wanted: a branch or tag, or one commit; some of its directories, or all."""

    url: str
    branch: str | None = None
    commit_sha: str | None = None
    include_submodules: bool = False
    directories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Two answers to one question, or words that git would take for options, are mistakes."""
        if self.branch and self.commit_sha:
            raise StepFailed("both a branch and a commit_sha are given: give one of them")
        for word in (self.url, self.branch, self.commit_sha, *self.directories):
            if word is not None and word.startswith("-"):
                raise StepFailed(f"{word!r} is neither a repository nor a name in one")

    @property
    def folder_name(self) -> str:
        """What its clone is called: the repository's name, and what of it is checked out."""
        name = self.url.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].removesuffix(".git")
        which = self.branch or self.commit_sha
        return f"{name}-{which.replace('/', '-')}" if which else name


def clone(source: Source, folder: Path, credentials: Any = None) -> None:
    """Have what is wanted of a repository in a folder, as it is there now. Raises `StepFailed`."""
    git = _Git.of(source.url, credentials)
    known = (folder / ".git").is_dir() and git.origin(folder) == git.url
    if folder.exists() and not known:
        if any(folder.iterdir()):
            raise StepFailed(f"{folder} is there already and is no clone of {git.url}: remove it")
        folder.rmdir()
    if not known:
        sparse = ["--filter=blob:none", "--sparse"] if source.directories else []
        at = ["--no-checkout"] if source.commit_sha else ["--branch", source.branch] if source.branch else []
        try:
            git.run("clone", "--depth", "1", *sparse, *at, "--", git.url, str(folder))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    if source.directories:
        git.run("sparse-checkout", "set", "--", *source.directories, folder=folder)
    if source.commit_sha:
        git.fetch_commit(source.commit_sha, folder)
    elif known:
        git.run("fetch", "--depth", "1", "origin", source.branch or "HEAD", folder=folder)
        git.run("reset", "--hard", "FETCH_HEAD", folder=folder)
    if source.include_submodules:
        git.run("submodule", "update", "--init", "--recursive", "--depth", "1", folder=folder)


class _Git(msgspec.Struct, frozen=True):
    """git with the credentials for one host."""

    url: str
    environment: dict[str, str]
    secrets: tuple[str, ...]

    @classmethod
    def of(cls, url: str, credentials: Any) -> _Git:
        parts = urlsplit(url)
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        if parts.scheme not in ("http", "https"):
            return cls(url, environment, ())
        host = parts.netloc.rpartition("@")[2]
        bare = urlunsplit(parts._replace(netloc=host))
        user, password = _user_and_password(credentials, parts)
        if password is None:
            return cls(bare, environment, ())
        proof = base64.b64encode(f"{user}:{password}".encode()).decode()
        count = int(environment.get("GIT_CONFIG_COUNT", "0"))
        environment |= {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"http.{parts.scheme}://{host}/.extraHeader",
            f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {proof}",
        }
        return cls(bare, environment, (password, quote(password, safe=""), proof))

    def run(self, *words: str, folder: Path | None = None) -> str:
        """What git printed; where the network failed it is asked again."""
        at = () if folder is None else ("-C", str(folder))
        for pause in (*_PAUSES, None):
            try:
                return run_command(["git", *at, *words], environment=self.environment, hidden=self.secrets)[0]
            except StepFailed as error:
                said = str(error).lower()
                if pause is None or not any(each in said for each in _PASSING):
                    raise
                time.sleep(pause)
        raise AssertionError("the last time ends the loop")

    def origin(self, folder: Path) -> str | None:
        """Where a clone is from."""
        try:
            return self.run("remote", "get-url", "origin", folder=folder).strip()
        except StepFailed:
            return None

    def fetch_commit(self, sha: str, folder: Path) -> None:
        """Check out a commit; a server that does not give single commits, or a short name, takes all of them."""
        try:
            self.run("fetch", "--depth", "1", "origin", sha, folder=folder)
        except StepFailed:
            shallow = (folder / ".git" / "shallow").exists()
            self.run("fetch", *(["--unshallow"] if shallow else []), "--tags", "origin", folder=folder)
        self.run("checkout", "--force", "--detach", sha, folder=folder)


def _user_and_password(credentials: Any, parts: SplitResult) -> tuple[str, str | None]:
    """Who asks: by the credentials given, else by those in the URL."""
    host = parts.hostname or ""
    usual = "oauth2" if "gitlab" in host else "x-token-auth" if "bitbucket" in host else "x-access-token"
    given = _plain(credentials)
    match given:
        case None:
            password = None if parts.password is None else unquote(parts.password)
            return unquote(parts.username or usual), password
        case str():
            user, colon, password = given.partition(":")
            return (user, password) if colon else (usual, given)
        case Mapping():
            known = cast("Mapping[str, Any]", given)
            found = [_plain(known[name]) for name in _TOKENS if known.get(name)]
            if found:
                return str(known.get("username") or usual), str(found[0])
            raise StepFailed(f"the credentials have none of {', '.join(_TOKENS)}")
        case _:
            raise StepFailed("the credentials are neither a token nor a mapping with one")


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, Secret) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
