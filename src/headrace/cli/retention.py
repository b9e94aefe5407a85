"""`headrace retention`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from headrace.cli.display import ago, amount, seconds_of, size, span
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, Output, ask, show_json, show_list, tell
from headrace.cli.session import Yes, client
from headrace.rules.retention_policies import Kind, RetentionClass, parse_class
from headrace.wire.errors import ObjectNotFound, Unprocessable
from headrace.wire.retention import LONGEST_AGE, RetentionForecast, RetentionPolicy, RetentionPolicyDraft, RetentionRun

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="retention", help="Say how long what is kept, see what that would remove, and remove it.")

KeepLast = Annotated[
    int | None,
    Parameter(help="Keep so many of the last ones, of each flow or of each artifact's key, however old they are."),
]
_NOUNS = {
    Kind.FLOW_RUNS: "flow run",
    Kind.TASK_RUNS: "task run",
    Kind.LOGS: "log line",
    Kind.EVENTS: "event",
    Kind.ARTIFACTS: "artifact",
}


class _Row(msgspec.Struct, frozen=True):
    """A policy or forecast in a list; its class is its id."""

    id: str
    cells: tuple[str, ...]


@app.command(name="set")
def set_(about: str, age: str | None = None, /, *, keep_last: KeepLast = None, yes: Yes = False) -> None:
    """Keep things of a class for a length of time, the last few of them, or both. Until then, all are kept.

    Runs and artifacts go to the trash first, from where they can be given back; log lines and events go for good, so
    if there are some that are due, this asks first when someone is at the terminal.

    Try:

        headrace retention set flow-runs.completed 90d --keep-last 100
        headrace retention set logs.debug 1w
        headrace retention set events.prefect.flow-run 52w

    Args:
        about: The class: flow-runs, flow-runs.completed (or .failed, .crashed, .cancelled), task-runs, logs, logs.debug
            (or .info, .warning, .error, .critical), events, events.NAME, artifacts. The more specific one wins.
        age: How long they are kept after they ended, such as 12h, 90d or 4w.
    """
    draft = _draft(about, age, keep_last)
    with client() as api:
        forecast = api.preview_retention([draft])[0]
        if forecast.total and not forecast.undoable and not yes and sys.stdin.isatty():
            tell(f"{_counted(forecast)} will be removed for good, within a minute.")
            if not ask("Set the policy?"):
                raise CommandFailed("Nothing is set.")
        made = api.set_retention_policy(draft.name, max_age=draft.max_age, keep_last=draft.keep_last)
    tell(_told(made))
    if not forecast.total:
        tell("Nothing is due now.")
    elif forecast.undoable:
        tell(
            f"{_counted(forecast)} are due and go to the trash within a minute; "
            "headrace op ls shows the operation, and headrace undo with its id gives them back."
        )
    else:
        tell(f"{_counted(forecast)} are due and go within a minute, for good.")


@app.command
def ls(*, output: ListOutput = "table") -> None:
    """List the policies that are set, with when they ran and what they removed.

    Try:

        headrace retention ls

    Args:
        output: A table for people, JSON for programs, or the bare names of classes for pipes.
    """
    with client() as api:
        found = api.read_retention_policies()
    if output == "json":
        show_json(found)
        return
    columns = ("Class", "Kept", "Ran", "Removed", "In all")
    rows = [
        _Row(
            policy.name,
            (
                policy.name,
                _kept(policy),
                "now" if policy.started else ago(policy.last_run) or "not yet",
                f"{policy.last_removed:,}",
                f"{policy.removed:,}",
            ),
        )
        for policy in found
    ]
    _show(rows, columns, output, "No policy is set, so everything is kept; headrace retention set --help says how.")


@app.command
def unset(*classes: str) -> None:
    """Set nothing for classes any more, so that they are kept for ever or as a less specific policy says.

    Try:

        headrace retention unset logs.debug

    Args:
        classes: The names of the classes.
    """
    if not classes:
        raise UsageError("No class named; headrace retention ls shows those with a policy.")
    with client() as api:
        for name in [_class(name) for name in classes]:
            try:
                api.delete_retention_policy(str(name))
            except ObjectNotFound:
                raise CommandFailed(
                    f"No policy is set for {name}; headrace retention ls shows those there are."
                ) from None
            tell(f"Nothing is set for {name} any more.")


@app.command
def preview(
    about: str | None = None, age: str | None = None, /, *, keep_last: KeepLast = None, output: Output = "table"
) -> None:
    """Show how much the policies that are set would remove now, or one that is not set yet. Nothing is removed.

    Try:

        headrace retention preview
        headrace retention preview flow-runs.completed 30d

    Args:
        about: The class of a policy that is not set yet.
        age: Its age.
        output: A table for people or JSON for programs.
    """
    drafts = None if about is None else [_draft(about, age, keep_last)]
    with client() as api:
        found = api.preview_retention(drafts)
    if output == "json":
        show_json(found)
        return
    rows = [
        _Row(
            one.name,
            (
                one.name,
                _kept(one),
                f"{one.total:,}{'+' if one.capped else ''}",
                ago(one.oldest),
                f"about {size(one.bytes)}" if one.total else "",
                _along(one),
                "yes" if one.undoable else "no: gone for good",
            ),
        )
        for one in found
    ]
    columns = ("Class", "Kept", "Due", "Oldest", "Size", "With them", "Undo")
    _show(rows, columns, output, "No policy is set; headrace retention preview CLASS AGE shows what one would remove.")


@app.command
def run(*classes: str, output: Output = "table") -> None:
    """Remove now what is due under the policies, all of them or those of some classes.

    Try:

        headrace retention run
        headrace retention run flow-runs.completed

    Args:
        classes: The names of classes with a policy.
        output: Lines for people or JSON for programs.
    """
    names = [str(_class(name)) for name in classes] or None
    with client() as api:
        done = _run(api, names)
    if output == "json":
        show_json(done)
        return
    if not done:
        tell("No policy is set, so everything is kept; headrace retention set --help says how.")
    for one in done:
        print(f"{one.name}: {_done(one)}")


def _run(api: "SyncHeadraceClient", names: Sequence[str] | None) -> list[RetentionRun]:
    """Run policies to their ends; those that go on after a second are run again."""
    done = {one.name: one for one in api.run_retention(names)}
    while more := [one for one in done.values() if one.more]:
        for again in api.run_retention([one.name for one in more]):
            again.removed += done[again.name].removed
            done[again.name] = again
        tell("; ".join(f"{one.name}: {one.removed:,} removed so far" for one in more))
    return list(done.values())


def _done(run: RetentionRun) -> str:
    if run.under_way is not None:
        return f"operation {run.under_way} goes on still"
    if run.operation_id is not None:
        return f"operation {run.operation_id} takes what is due to the trash; headrace undo with its id gives it back"
    if not parse_class(run.name).kind.undoable:
        return f"{run.removed:,} removed"
    return "nothing is due"


def _class(name: str) -> RetentionClass:
    try:
        return parse_class(name)
    except Unprocessable as error:
        raise UsageError(str(error)) from None


def _draft(name: str, age: str | None, keep_last: int | None) -> RetentionPolicyDraft:
    about = _class(name)
    if age is None and keep_last is None:
        raise UsageError(f"Say how long {_subject(str(about))} are kept, such as 90d, or --keep-last 100, or both.")
    try:
        seconds = None if age is None else seconds_of(age)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if seconds is not None and not 0 < seconds <= LONGEST_AGE:
        raise UsageError(f"{age!r} cannot be an age: it has to be more than 0, and no more than a hundred years.")
    return RetentionPolicyDraft(name=str(about), max_age=seconds, keep_last=keep_last)


def _kept(policy: RetentionPolicy | RetentionForecast) -> str:
    """For how long, in words."""
    each = "key" if parse_class(policy.name).kind is Kind.ARTIFACTS else "flow"
    last = "" if policy.keep_last is None else f"the last {policy.keep_last:,} of each {each}"
    if policy.max_age is None:
        return last
    return f"for {span(policy.max_age)}, and {last}" if last else f"for {span(policy.max_age)}"


def _told(policy: RetentionPolicy) -> str:
    """What was set, in a sentence."""
    subject = _subject(policy.name)
    if policy.max_age is None:
        return f"Only {_kept(policy)} are kept, of the {subject} there are."
    return f"{subject[0].upper()}{subject[1:]} are kept {_kept(policy)}."


def _noun(name: str) -> str:
    about = parse_class(name)
    noun = _NOUNS[about.kind]
    if about.part is None:
        return noun
    return f"{about.part} {noun}" if about.kind is not Kind.EVENTS else f"{noun} {about.part}"


def _subject(name: str) -> str:
    about = parse_class(name)
    if about.kind is Kind.EVENTS and about.part is not None:
        return f"events named {about.part}…"
    return f"{_noun(name)}s{' outside of flows' if about.kind is Kind.TASK_RUNS else ''}"


def _counted(forecast: RetentionForecast) -> str:
    noun = _NOUNS[parse_class(forecast.name).kind]
    return f"{amount(forecast.total, noun, at_least=forecast.capped)} (about {size(forecast.bytes)})"


def _along(forecast: RetentionForecast) -> str:
    own = parse_class(forecast.name).kind
    return ", ".join(f"{many:,} {table.replace('_', ' ')}" for table, many in forecast.rows.items() if table != own)


def _show(rows: Sequence[_Row], titles: Sequence[str], output: Literal["table", "json", "id"], nothing: str) -> None:
    def cell(place: int) -> Column[_Row]:
        return Column[_Row](titles[place], lambda row: row.cells[place])

    show_list(rows, [cell(place) for place in range(len(titles))], output, nothing)
