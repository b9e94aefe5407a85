"""`headrace flow-run execute`."""

from headrace.cli.errors import CommandFailed
from headrace.cli.output import tell
from headrace.cli.session import parse_id


def execute(run: str, /) -> None:
    """Execute a run of a deployment in this process, once it is due.

    The code of the deployment is brought here as a worker would bring it. Fails if the run does not complete.

    Try:

        headrace flow-run execute RUN_ID

    Args:
        run: The id of the run.
    """
    from headrace.sdk.execution import child
    from headrace.sdk.logs import configure
    from headrace.wire.states import StateType

    id = parse_id(run, "flow run")
    configure()
    state = child.execute(id)
    if state is None:
        raise CommandFailed(f"There is no flow run {id}; headrace flow-run ls shows those there are.")
    if state.is_final() and state.type is not StateType.COMPLETED:
        raise CommandFailed(f"Flow run {id} is {state.name}" + (f": {state.message}" if state.message else "."))
    tell(f"Flow run {id} is {state.name}.")
