"""`headrace config`: settings, where each value comes from, and changing those of a profile."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from headrace.cli.errors import DEBUG, UsageError
from headrace.cli.output import Output, show_facts, show_json, tell
from headrace.settings.catalogue import catalogue, did_you_mean, unknown
from headrace.settings.profiles import Profiles, read

app = App(name="config", help="See and change settings.")


class Shown(msgspec.Struct, frozen=True):
    """One setting as `config view -o json` prints it; secrets are masked unless they are asked for."""

    name: str
    value: str
    source: str
    help: str


@app.command
def view(
    *,
    all: Annotated[bool, Parameter(alias="-a")] = False,
    show_secrets: bool = False,
    output: Output = "table",
) -> None:
    """Show the settings in force and where each comes from: the environment or a profile.

    Try:

        headrace config view
        headrace config view --all
        headrace --profile production config view

    Args:
        all: Show defaults too.
        show_secrets: Show keys and passwords in clear.
        output: A table for people or JSON for programs.
    """
    from headrace.settings import current

    settings = current()
    sources = _sources()
    shown = [
        Shown(
            name,
            str(setting.value_from(settings) or "") if show_secrets else setting.show(setting.value_from(settings)),
            sources.get(name, "default"),
            setting.doc,
        )
        for name, setting in catalogue().items()
        if all or name in sources
    ]
    if output == "json":
        show_json(shown)
    else:
        facts = {"profile": f"{settings.profile} ({settings.profiles_path})"}
        show_facts(facts | {each.name: f"{each.value} ({each.source})" for each in shown}, "table")
        if not shown:
            tell("Every setting has its default; headrace config view --all shows them.")
    for name in unknown(os.environ.keys() - {DEBUG}):
        tell(f"{name} is set in the environment, but there is no such setting.{did_you_mean(name)}")


@app.command(name="set")
def set_(*assignments: str) -> None:
    """Keep settings in the active profile.

    Try:

        headrace config set HEADRACE_API_URL=http://127.0.0.1:4200/api
        headrace config set logging.level=DEBUG results.persist_by_default=true

    Args:
        assignments: NAME=VALUE, with the name of a variable or its dotted path.
    """
    if not assignments:
        raise UsageError("Nothing to set: give NAME=VALUE, such as HEADRACE_LOGGING_LEVEL=DEBUG.")
    changes: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not (name and equals):
            raise UsageError(f"{assignment!r} sets nothing: write it as NAME=VALUE.")
        changes[name] = value
    profiles, profile = chosen()
    profiles.set(changes, profile).write()
    for name in changes:
        _kept(name, profile, "set")


@app.command
def unset(*names: str) -> None:
    """Remove settings from the active profile.

    Try:

        headrace config unset HEADRACE_API_URL

    Args:
        names: Variables or dotted paths.
    """
    if not names:
        raise UsageError("Nothing to unset: give the name of a setting, such as HEADRACE_API_URL.")
    profiles, profile = chosen()
    profiles.unset(list(names), profile).write()
    for name in names:
        _kept(name, profile, "unset")


def profiles_path() -> Path:
    """Where the profiles of this home are; needs none of them to be right."""
    home = os.environ.get("HEADRACE_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".headrace").absolute() / "profiles.toml"


def chosen() -> tuple[Profiles, str]:
    """The file of profiles and the name of the one in use, which may not exist yet."""
    profiles = read(profiles_path())
    return profiles, os.environ.get("HEADRACE_PROFILE") or profiles.active


def _kept(name: str, profile: str, done: str) -> None:
    from headrace.settings.catalogue import find

    variable = find(name).variable
    tell(f"{variable} is {done} in the profile {profile!r}.")
    if variable in os.environ:
        tell(f"The environment sets {variable} too, and wins.")


def _sources() -> dict[str, str]:
    from headrace.settings.loading import assignments

    return {
        given.setting.variable: given.source if given.source == "environment" else "profile" for given in assignments()
    }
