"""`headrace automation`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from cyclopts import App, Parameter

from headrace.cli import automation_files
from headrace.cli.display import ago, local
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.operating import Manner, Reason
from headrace.cli.operating import delete as delete_at_once
from headrace.cli.output import Column, ListOutput, Output, ask, show_facts, show_json, show_list, tell
from headrace.cli.session import Yes, client, for_each, parse_id
from headrace.cli.trigger_lines import lines_of
from headrace.wire.automations import Automation, AutomationCreate, AutomationUpdate
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import AutomationFilter
from headrace.wire.filters.automations import AutomationFilterTags
from headrace.wire.firings import ActionStatus, FiringRecord
from headrace.wire.operations import OperationNoun, Target
from headrace.wire.trials import Trial, TrialRequest

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="automation", help="Make automations, try them, and see what they did.")

NOUN = "automation"
File = Annotated[
    Path | None,
    Parameter(allow_leading_hyphen=True, help="A file of JSON or YAML; - reads JSON from standard input."),
]
FromFile = Annotated[Path | None, Parameter(allow_leading_hyphen=True, help="The same, as an option.")]
Json = Annotated[str | None, Parameter(help="The JSON itself.")]


@app.command
def ls(*, tag: list[str] | None = None, output: ListOutput = "table") -> None:
    """List automations by name.

    Try:

        headrace automation ls --tag nightly

    Args:
        tag: Only automations with this tag; given several times, with all of them.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    wanted = AutomationFilter(tags=AutomationFilterTags(all_=tag)) if tag else None
    with client() as api:
        found = api.read_automations(automations=wanted)
    columns = [
        Column[Automation]("ID", lambda each: str(each.id)),
        Column[Automation]("Name", lambda each: each.name),
        Column[Automation]("State", lambda each: "enabled" if each.enabled else "paused", _style),
        Column[Automation]("When", lambda each: next(lines_of(each.trigger))),
        Column[Automation]("Does", lambda each: ", ".join(action.type for action in each.all_actions)),
        Column[Automation]("Changed", lambda each: ago(each.updated)),
    ]
    show_list(found, columns, output, "No automation matches; headrace automation create makes one.")


@app.command
def inspect(automation: str, /, *, output: Output = "table") -> None:
    """Show when an automation acts and what it does.

    Try:

        headrace automation inspect 'cancel late runs'
        headrace automation inspect AUTOMATION_ID -o json > automation.json

    Args:
        automation: Its id or name.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        found = _find(api, automation)
    if output == "json":
        show_json(found)
        return
    facts: dict[str, str | None] = {
        "id": str(found.id),
        "name": found.name,
        "description": found.description or None,
        "state": "enabled" if found.enabled else "paused",
        "tags": ", ".join(found.tags) or None,
        "created": local(found.created),
        "changed": local(found.updated),
    }
    show_facts(facts, output)
    print("\n".join(["", "when", *lines_of(found.trigger, "  "), "does"]))
    for action in found.all_actions:
        more = {name: value for name, value in _fields(action) if value not in (None, {}, "", 0.0)}
        print(f"  {action.type}{''.join(f' {name}={value}' for name, value in more.items())}")


@app.command
def create(file: File = None, /, *, from_file: FromFile = None, from_json: Json = None) -> None:
    """Make automations and print their ids. An event trigger is Reactive unless it says otherwise.

    Try:

        headrace automation create automation.json
        headrace automation create --from-json "$(generate-automation)"
    """
    made = automation_files.read(AutomationCreate, file, from_file, from_json)
    with client() as api:
        for each in made:
            print(api.create_automation(each))
            tell(f"Automation {each.name} is made.")


@app.command
def update(automation: str, file: File = None, /, *, from_file: FromFile = None, from_json: Json = None) -> None:
    """Put all of an automation in the place of what it was.

    Try:

        headrace automation inspect cancel -o json > automation.json
        headrace automation update cancel automation.json

    Args:
        automation: Its id or name.
    """
    body = automation_files.read_one(AutomationUpdate, file, from_file, from_json)
    with client() as api:
        api.update_automation(_find(api, automation).id, body)
    tell(f"Automation {body.name} is changed.")


@app.command
def pause(*automations: str) -> None:
    """Keep automations from acting.

    Try:

        headrace automation pause 'cancel late runs'

    Args:
        automations: Their ids or names.
    """
    with client() as api:
        for_each(_ids(api, automations), NOUN, lambda id: api.pause_automation(id) or "is paused")


@app.command
def resume(*automations: str) -> None:
    """Let automations act again.

    Try:

        headrace automation resume 'cancel late runs'

    Args:
        automations: Their ids or names.
    """
    with client() as api:
        for_each(_ids(api, automations), NOUN, lambda id: api.resume_automation(id) or "is enabled")


@app.command
def delete(*automations: str, reason: Reason = None, yes: Yes = False) -> None:
    """Delete automations; what they did stays in their history, and headrace undo gives them back.

    Asks first when someone is at the terminal.

    Try:

        headrace automation delete 'cancel late runs'

    Args:
        automations: Their ids or names.
    """
    with client() as api:
        ids = _ids(api, automations)
        what = f"automation {automations[0]}" if len(ids) == 1 else f"{len(ids)} automations"
        if not yes and sys.stdin.isatty() and not ask(f"Delete {what}?"):
            raise CommandFailed("Nothing is deleted.")
        delete_at_once(api, OperationNoun.AUTOMATIONS, Target(ids=ids), Manner(yes=True, reason=reason))


@app.command(name="test")
def try_out(
    automation: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    from_file: FromFile = None,
    from_json: Json = None,
    days: float = 7.0,
    output: Output = "table",
) -> None:
    """Show when an automation would have acted over the last days. Nothing is written and nothing is done.

    Try:

        headrace automation test 'cancel late runs' --days 30
        headrace automation test automation.json

    Args:
        automation: The id or name of one there is, or the file of one that is not made yet.
        from_file: That file, as an option.
        days: How far to look back, 31 days at most.
        output: A table for people or JSON for programs.
    """
    file = Path(automation) if automation is not None and automation_files.is_file(automation) else None
    if automation is None or file is not None:
        given = automation_files.read_one(AutomationCreate, file, from_file, from_json)
    elif from_file is not None or from_json is not None:
        raise UsageError("Name an automation, or give the file or JSON of one, not both.")
    else:
        given = None
    with client() as api:
        if given is None:
            request = TrialRequest(automation_id=_find(api, automation or "").id, days=days)
        else:
            request = TrialRequest(trigger=given.trigger, days=days)
        trial = api.test_automation(request)
    if output == "json":
        show_json(trial)
        return
    _show_trial(trial)


@app.command
def firings(
    automation: str,
    /,
    *,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
    output: ListOutput = "table",
) -> None:
    """List when an automation acted, the latest first, and what became of its actions.

    Try:

        headrace automation firings 'cancel late runs'

    Args:
        automation: Its id or name.
        limit: The most firings to list, 20 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    with client() as api:
        found = api.read_automation_firings(_find(api, automation).id, limit=limit).firings
    columns = [
        Column[FiringRecord]("ID", lambda firing: str(firing.id)),
        Column[FiringRecord]("Fired", lambda firing: ago(firing.fired_at)),
        Column[FiringRecord]("Event", lambda firing: firing.event.event if firing.event else ""),
        Column[FiringRecord]("For", lambda firing: ", ".join(firing.labels.values())),
        Column[FiringRecord]("Actions", _outcomes, lambda firing: "red" if "FAILED" in _outcomes(firing) else ""),
    ]
    show_list(found, columns, output, "It has not acted yet.")


@app.command
def retry(*actions: str) -> None:
    """Have actions that failed carried out once more; firings -o json shows their ids.

    Args:
        actions: The ids of the actions.
    """
    if not actions:
        raise UsageError("No action named: give ids; headrace automation firings -o json shows them.")
    ids = [parse_id(text, "action") for text in actions]
    with client() as api:
        for_each(ids, "action", lambda id: f"is {api.retry_automation_action(id).status.value.lower()}")


def _find(api: "SyncHeadraceClient", reference: str) -> Automation:
    try:
        found = api.find_automation(reference)
    except ObjectNotFound:
        found = None
    if found is None:
        raise CommandFailed(f"There is no automation {reference}; headrace automation ls shows those there are.")
    return found


def _ids(api: "SyncHeadraceClient", references: Sequence[str]) -> list[UUID]:
    if not references:
        raise UsageError("No automation named: give ids or names.")
    return list(dict.fromkeys(_find(api, reference).id for reference in references))


def _show_trial(trial: Trial) -> None:
    times = "once" if trial.count == 1 else f"{trial.count} times"
    tell(f"It would have acted {times} since {local(trial.since)}; {trial.matched} of {trial.events} events matched.")
    if trial.notice:
        tell(trial.notice)
    for firing in trial.firings:
        print("  ".join(filter(None, (local(firing.triggered), ", ".join(firing.labels.values()), firing.reason))))


def _outcomes(firing: FiringRecord) -> str:
    return ", ".join(_outcome(action.action.type, action.status, action.reason) for action in firing.actions)


def _outcome(kind: str, status: ActionStatus, reason: str | None) -> str:
    why = f" ({' '.join(reason.split())})" if reason and status is ActionStatus.FAILED else ""
    return f"{kind} {status.value}{why}"


def _fields(action: msgspec.Struct) -> list[tuple[str, object]]:
    return [(name, getattr(action, name)) for name in action.__struct_fields__]


def _style(automation: Automation) -> str:
    return "green" if automation.enabled else "yellow"
