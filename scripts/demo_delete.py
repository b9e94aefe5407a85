"""The demo's end: all runs are deleted, their progress is shown, and they are given back."""

from rich.console import Console

from headrace.client.orchestration import SyncHeadraceClient
from scripts.demo_shell import WentWrong, headrace, until

Shown = dict[str, int]


def delete(console: Console, client: SyncHeadraceClient) -> bool:
    """Show both; True if everything was gone, and is back."""
    console.print("\n[bold]All of it deleted, and given back[/]\n")
    try:
        before = _shown(client)
        headrace(console, "flow-run", "delete", "--all", "--yes", "--reason", "end of the demo")
        until(lambda: not any(_shown(client).values()), "nothing is shown any more")
        headrace(console, "trash", "summary")
        headrace(console, "undo", "--yes")
        until(lambda: _shown(client) == before, "everything is back")
    except WentWrong as error:
        console.print(f"[bold red]{error}[/]")
        return False
    console.print(f"  [dim]{', '.join(f'{count} {what}' for what, count in before.items())}, as before[/]")
    return True


def _shown(client: SyncHeadraceClient) -> Shown:
    """What a client sees of runs."""
    return {
        "flow runs": len(client.read_flow_runs(limit=None)),
        "task runs": len(client.read_task_runs(limit=None)),
        "log lines": len(client.read_logs()),
    }
