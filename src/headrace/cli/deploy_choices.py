"""Which deployments `headrace deploy` is about, and what the command line says of them."""

import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.prompting import ask_text, choose
from headrace.sdk.deploying.describing import Describer
from headrace.sdk.deploying.documents import Document, find_file, label_of, read

ALL = "all of them"
_DEFAULT_NAME = "default"
Entry = Mapping[str, Any]


def document_of(file: Path | None) -> Document:
    """The file that is given, else the one of this folder, else an empty one."""
    if file is not None and not file.is_file():
        raise CommandFailed(f"There is no file {file}.")
    found = file or find_file(Path.cwd())
    return read(found) if found is not None else Document(file="the command line", folder=Path.cwd())


class Wanted(msgspec.Struct, frozen=True):
    """What the command line asks for: deployments by name or pattern, all, or one of an entrypoint."""

    entrypoint: str | None
    names: Sequence[str]
    everything: bool
    said: dict[str, Any]
    """What the options say, as the keys of a deployment."""
    may_ask: bool


def choose_entries(wanted: Wanted, document: Document, describer: Describer) -> list[tuple[str, Entry]]:
    """The deployments to make with how they are called, as the file and the command line together say them."""
    if wanted.everything:
        if wanted.names or wanted.entrypoint:
            raise UsageError("--all takes every deployment of the file: name none beside it.")
        found: list[Entry] = list(document.entries)
        if not found:
            raise CommandFailed(f"{document.file} describes no deployment.")
    else:
        found = _found(wanted, document, describer)
    if len(found) > 1 and wanted.said:
        options = ", ".join(wanted.said)
        raise UsageError(f"{len(found)} deployments cannot have the same {options}: choose one with --name.")
    return [(label_of(each, number), _merged(each, wanted.said)) for number, each in enumerate(found)]


def _found(wanted: Wanted, document: Document, describer: Describer) -> list[Entry]:
    if wanted.names:
        return _named(wanted, document, describer)
    entries = document.entries
    if wanted.entrypoint is not None:
        same = [each for each in entries if each.get("entrypoint") == wanted.entrypoint]
        return [same[0]] if len(same) == 1 else [_new(wanted, None, document)]
    if len(entries) == 1:
        return [entries[0]]
    names = [label_of(each, number) for number, each in enumerate(entries)]
    if not wanted.may_ask:
        if names:
            raise UsageError(f"{document.file} describes {', '.join(names)}: say which with --name, or --all.")
        raise UsageError("Say which flow to deploy: headrace deploy path/to/file.py:function --name NAME --pool POOL.")
    if not names:
        asked = msgspec.structs.replace(wanted, entrypoint=ask_text("Which flow, as file.py:function"))
        return [_new(asked, None, document)]
    chosen = choose("Which one is deployed", [*names, ALL])
    return list(entries) if chosen == ALL else [entries[names.index(chosen)]]


def _named(wanted: Wanted, document: Document, describer: Describer) -> list[Entry]:
    chosen: list[Entry] = []
    for pattern in wanted.names:
        found = [each for each in document.entries if _matches(each, pattern, describer)]
        if not found and wanted.entrypoint is not None and len(wanted.names) == 1:
            found = [_new(wanted, pattern, document)]
        if not found:
            names = ", ".join(label_of(each, number) for number, each in enumerate(document.entries)) or "none"
            raise CommandFailed(f"{document.file} describes no deployment {pattern}; it describes {names}.")
        chosen += [each for each in found if each not in chosen]
    if wanted.entrypoint is not None and len(chosen) == 1:
        chosen = [{**chosen[0], "entrypoint": wanted.entrypoint}]
    return chosen


def _matches(entry: Entry, pattern: str, describer: Describer) -> bool:
    """Whether a deployment is meant by a name or pattern, which may have that of its flow in front."""
    flow_pattern, slash, name_pattern = pattern.rpartition("/")
    if not fnmatch.fnmatchcase(str(entry.get("name") or ""), name_pattern):
        return False
    if not slash or flow_pattern == "*":
        return True
    flow = describer.flow_of(str(entry.get("entrypoint") or ""), str(entry.get("name")))
    return flow is not None and fnmatch.fnmatchcase(flow.name, flow_pattern)


def _new(wanted: Wanted, name: str | None, document: Document) -> Entry:
    """A deployment that the file does not describe; what it says of one without a name is meant for all such."""
    if name is None:
        if not wanted.may_ask:
            raise UsageError("Say what the deployment is called with --name.")
        name = ask_text("What is the deployment called", _DEFAULT_NAME)
    if any(character in name for character in "*?/"):
        raise UsageError(f"{name} is no name for a deployment: give one without * ? and /.")
    nameless = [each for each in document.entries if not each.get("name")]
    return {**(nameless[0] if len(nameless) == 1 else {}), "name": name, "entrypoint": wanted.entrypoint}


def _merged(entry: Entry, said: Mapping[str, Any]) -> Entry:
    """A deployment of the file with what the command line says of it."""
    merged = dict(entry)
    for key, value in said.items():
        before = merged.get(key)
        merged[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]
    return merged
