"""`headrace profile`: named sets of settings."""

from cyclopts import App

from headrace.cli.config import chosen
from headrace.cli.errors import UsageError
from headrace.cli.output import Output, show_facts, show_json, tell
from headrace.settings.catalogue import catalogue
from headrace.settings.profiles import DEFAULT, Profiles

app = App(name="profile", help="Keep several sets of settings and switch between them.")


@app.command
def ls(*, output: Output = "table") -> None:
    """List profiles; a star marks the active one.

    Args:
        output: A table for people or JSON for programs.
    """
    profiles, active = chosen()
    names = sorted({DEFAULT, active, *profiles.profiles})
    if output == "json":
        show_json([{"name": name, "active": name == active} for name in names])
        return
    for name in names:
        print(f"{'*' if name == active else ' '} {name}")


@app.command
def create(name: str, /, *, copy_from: str | None = None) -> None:
    """Make an empty profile, or a copy of another.

    Try:

        headrace profile create staging
        headrace profile create staging --copy-from production

    Args:
        name: The new profile.
        copy_from: A profile whose settings it begins with.
    """
    profiles, _ = chosen()
    if name in profiles.profiles:
        raise UsageError(f"There is a profile {name!r} in {profiles.path} already; delete it first or choose a name.")
    values = dict(profiles.values(copy_from)) if copy_from else {}
    profiles.set(values, name).write()
    tell(f"The profile {name!r} is made; headrace profile use {name} makes it the active one.")


@app.command
def use(name: str, /) -> None:
    """Make a profile the active one.

    Try:

        headrace profile use staging

    Args:
        name: The profile that later commands and flows take their settings from.
    """
    profiles, _ = chosen()
    profiles.use(name).write()
    tell(f"The profile {name!r} is active.")


@app.command
def delete(name: str, /) -> None:
    """Delete a profile that is not the active one.

    Args:
        name: The profile.
    """
    profiles, _ = chosen()
    profiles.delete(name).write()
    tell(f"The profile {name!r} is deleted.")


@app.command
def inspect(name: str | None = None, /, *, output: Output = "table") -> None:
    """Show what a profile sets, secrets masked.

    Args:
        name: The profile; the active one if none is named.
        output: A table for people or JSON for programs.
    """
    profiles, active = chosen()
    show_facts(_masked(profiles, name or active), output)


def _masked(profiles: Profiles, name: str) -> dict[str, str]:
    known = catalogue()
    return {
        variable: known[variable].show(value) if variable in known else str(value)
        for variable, value in profiles.values(name).items()
    }
