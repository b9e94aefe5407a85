"""Cloning repositories: the branch or commit that is wanted, as it is now, and no secret where it could be read."""

import os
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from headrace.deployments.steps import git_clone
from headrace.sdk.secrets import SecretStr
from headrace.sdk.steps import cloning
from headrace.sdk.steps.cloning import Source
from headrace.wire.deploying_errors import StepFailed
from tests.sdk.steps.repositories import commit, git, repository


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return repository(tmp_path / "origin" / "mill")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def cloned(origin: Path, **wanted: object) -> Path:
    return Path(git_clone(f"file://{origin}", **wanted)["directory"])  # type: ignore[arg-type]


def test_a_repository_is_cloned_beside_where_we_are(origin: Path, here: Path) -> None:
    folder = cloned(origin)
    assert folder == here / "mill"
    assert (folder / "flow.py").read_text() == "VALUE = 1\n"


def test_a_branch_and_a_commit_have_folders_of_their_own(origin: Path, here: Path) -> None:
    first = git(origin, "rev-parse", "HEAD")
    git(origin, "checkout", "-qb", "feature/x")
    commit(origin, "flow.py", "VALUE = 2\n")
    git(origin, "checkout", "-q", "main")
    commit(origin, "flow.py", "VALUE = 3\n")
    assert (cloned(origin, branch="feature/x") / "flow.py").read_text() == "VALUE = 2\n"
    assert (cloned(origin, commit_sha=first) / "flow.py").read_text() == "VALUE = 1\n"
    assert (cloned(origin, commit_sha=first[:10]) / "flow.py").read_text() == "VALUE = 1\n"
    assert sorted(os.listdir(here)) == ["mill-" + first[:10], "mill-" + first, "mill-feature-x"]


def test_a_clone_that_is_there_is_brought_up_to_date(origin: Path) -> None:
    folder = cloned(origin, branch="main")
    (folder / "flow.py").write_text("changed by hand")
    commit(origin, "flow.py", "VALUE = 2\n")
    assert cloned(origin, branch="main") == folder
    assert (folder / "flow.py").read_text() == "VALUE = 2\n"


def test_a_rewritten_branch_is_followed(origin: Path) -> None:
    folder = cloned(origin, branch="main")
    git(origin, "commit", "-q", "--amend", "-m", "rewritten", "--allow-empty")
    head = commit(origin, "flow.py", "VALUE = 5\n")
    cloned(origin, branch="main")
    assert git(folder, "rev-parse", "HEAD") == head


def test_only_some_directories_are_checked_out(origin: Path) -> None:
    git(origin, "config", "uploadpack.allowFilter", "true")
    for name in ("flows", "docs"):
        commit(origin, f"{name}/file.txt", name)
    folder = cloned(origin, directories=["flows"])
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == [".git", "flows"]


def test_submodules_are_cloned_if_they_are_wanted(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = repository(tmp_path / "origin" / "wheel")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    git(origin, "submodule", "--quiet", "add", f"file://{inner}", "wheel")
    git(origin, "commit", "-qm", "add the wheel")
    assert (cloned(origin, include_submodules=True) / "wheel" / "flow.py").is_file()


def test_a_folder_that_is_no_clone_of_it_is_left_alone(origin: Path, here: Path) -> None:
    (here / "mill").mkdir()
    (here / "mill" / "precious.txt").touch()
    with pytest.raises(StepFailed, match="no clone of"):
        cloned(origin)
    assert (here / "mill" / "precious.txt").exists()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"branch": "none"}, "Remote branch none not found"),
        ({"branch": "a", "commit_sha": "b"}, "both a branch and a commit_sha"),
        ({"branch": "--upload-pack=x"}, "neither a repository nor a name"),
        ({"commit_sha": "0" * 40}, "exited with code"),
    ],
)
def test_a_clone_that_fails_says_why_and_leaves_nothing(
    origin: Path, here: Path, wanted: dict[str, str], reason: str
) -> None:
    with pytest.raises(StepFailed, match=reason):
        cloned(origin, **wanted)
    if "branch" in wanted:
        assert not any(here.iterdir())


class Asked(BaseHTTPRequestHandler):
    """Notes who asks, and lets nobody in."""

    proofs: list[str | None] = []

    def do_GET(self) -> None:
        self.proofs.append(self.headers.get("Authorization"))
        self.send_response(403)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def host() -> Iterator[str]:
    Asked.proofs.clear()
    with HTTPServer(("127.0.0.1", 0), Asked) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


CREDENTIALS = [
    ("t0ken", "x-access-token:t0ken"),
    (SecretStr("t0ken"), "x-access-token:t0ken"),
    ("miller:t0ken", "miller:t0ken"),
    ({"token": "t0ken"}, "x-access-token:t0ken"),
    ({"username": "miller", "password": SecretStr("t0ken")}, "miller:t0ken"),
]


@pytest.mark.parametrize(("credentials", "proof"), CREDENTIALS)
def test_credentials_are_shown_to_the_host_and_to_nobody_else(host: str, credentials: object, proof: str) -> None:
    with pytest.raises(StepFailed) as raised:
        git_clone(f"http://{host}/mill.git", credentials=credentials)
    assert Asked.proofs[0] == "Basic " + b64encode(proof.encode()).decode()
    assert "t0ken" not in str(raised.value)


def test_a_password_in_the_url_is_not_repeated(host: str) -> None:
    with pytest.raises(StepFailed) as raised:
        git_clone(f"http://miller:t0%40ken@{host}/mill.git")
    assert Asked.proofs[0] == "Basic " + b64encode(b"miller:t0@ken").decode()
    assert "ken" not in str(raised.value)


def test_git_is_asked_again_where_the_network_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloning, "_PAUSES", (0.0, 0.0))
    tried: list[object] = []

    def unreachable(words: object, **options: object) -> tuple[str, str]:
        tried.append(words)
        raise StepFailed("fatal: unable to access: Could not resolve host: example.invalid")

    monkeypatch.setattr(cloning, "run_command", unreachable)
    with pytest.raises(StepFailed):
        git_clone("https://example.invalid/mill.git")
    assert len(tried) == 3


NAMES = [
    (Source(url="https://example.com/acme/mill.git"), "mill"),
    (Source(url="git@example.com:mill.git", branch="feature/x"), "mill-feature-x"),
    (Source(url="https://example.com/acme/mill/", commit_sha="abc"), "mill-abc"),
]


@pytest.mark.parametrize(("source", "name"), NAMES)
def test_a_clone_is_called_by_what_is_checked_out(source: Source, name: str) -> None:
    assert source.folder_name == name
