"""The commands there are, and what `headrace --help` says: printed without loading what parses arguments."""

INTRODUCTION = """Run workflows, record them, and ask what happened.

Start with:

    python my_flow.py         runs a flow and records it; nothing else is needed
    headrace dev my_flow.py   runs it again whenever you save it
    headrace flow-run ls      lists what ran
    headrace server start     serves the API to other processes and machines
"""

COMMANDS = {
    "dev": ("dev:dev", "Serve the API, run a file's flows, and run them again whenever it changes."),
    "init": ("init:init", "Write a headrace.yaml that deploys the flows of this folder."),
    "deploy": ("deploy:deploy", "Make deployments of flows, as headrace.yaml or the options describe them."),
    "deployment": ("deployments:app", "Run, list, pause and schedule deployments."),
    "work-pool": ("work_pools:app", "Make, list, pause and limit work pools, and see what they would run."),
    "work-queue": ("work_queues:app", "Make, list, pause and limit the queues of work pools."),
    "worker": ("workers:app", "Start workers, which execute the runs of a work pool, and list them."),
    "server": ("server:app", "Start, stop and look after the server and its database."),
    "flow-run": ("flow_runs:app", "List, inspect, execute, cancel and delete flow runs, and read their logs."),
    "flow": ("flows:app", "List, inspect and serve flows."),
    "task": ("tasks:app", "Execute background tasks, and see who does."),
    "task-run": ("task_runs:app", "List and inspect task runs."),
    "event": ("events:app", "List, follow and emit events, and look after those that were kept aside."),
    "automation": ("automations:app", "Make automations, try them, and see what they did."),
    "op": ("operations:app", "Watch, stop and retry bulk changes, which go on by themselves."),
    "undo": ("undo:undo", "Give back what was deleted."),
    "trash": ("trash:app", "See what was deleted, give it back, or remove it for good."),
    "retention": ("retention:app", "Say how long what is kept, see what that would remove, and remove it."),
    "config": ("config:app", "See and change settings."),
    "profile": ("profiles:app", "Keep several sets of settings and switch between them."),
    "version": ("version:version", "Show versions and where runs are recorded."),
}
"""Where each command is, as `module:name` in this package, and its summary."""

ALIASES = {
    "automations": "automation",
    "deployments": "deployment",
    "events": "event",
    "work-pools": "work-pool",
    "work-queues": "work-queue",
}
"""Other words for a command, which no help lists."""


def overview() -> str:
    """The help of `headrace` itself."""
    width = max(map(len, COMMANDS))
    lines = [f"    {name.ljust(width)}   {summary}" for name, (_, summary) in COMMANDS.items()]
    options = "--profile NAME takes settings from a profile; --version shows the version; COMMAND --help explains."
    return "\n".join(["Usage: headrace COMMAND", "", INTRODUCTION, "Commands:", "", *lines, "", options])
