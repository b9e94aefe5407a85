"""A flow that asks a person before it goes on, and leaves a report to look at.

    python examples/approval.py

Here another thread answers in the person's place.
"""

import threading
import time
from uuid import UUID

from headrace import flow, get_client, pause_flow_run, resume_flow_run, runtime
from headrace.artifacts import create_table_artifact
from headrace.input import RunInput


class Approval(RunInput):
    """Whether the figures may be published."""

    approved: bool
    reason: str = "no reason given"


@flow(log_prints=True)
def publish() -> str:
    create_table_artifact([{"country": "FR", "sales": 31}, {"country": "PT", "sales": 12}], key="sales")
    threading.Thread(target=answer, args=(UUID(runtime.flow_run.id),)).start()
    approval: Approval = pause_flow_run(wait_for_input=Approval, timeout=60)
    print(f"approved: {approval.approved}, {approval.reason}")
    return "published" if approval.approved else "kept back"


def answer(flow_run_id: UUID) -> None:
    with get_client(sync_client=True) as client:
        while not client.filter_flow_run_input(flow_run_id, "paused-1-schema"):
            time.sleep(0.05)
    resume_flow_run(flow_run_id, Approval(approved=True, reason="looks right"))


if __name__ == "__main__":
    print(publish())
