"""What the server does by itself: the settings of each service."""

from typing import Annotated, Literal

from msgspec import Meta

from headrace.settings.groups import Group


class ServiceSettings(Group, frozen=True):
    """What every service of the server can be told."""

    enabled: Annotated[bool, Meta(description="This service runs in the server's process.")] = True


class ActionsSettings(ServiceSettings, frozen=True):
    """The service that carries out what automations do."""

    at_once: Annotated[int, Meta(ge=1, le=1000, description="Actions of automations under way at once.")] = 10
    retention_period: Annotated[
        float, Meta(gt=0, le=36_500 * 86_400, description="Seconds for which firings and their actions are kept.")
    ] = 30 * 86_400.0


_DAY = 86_400.0
_BETWEEN_LOOKS = Meta(gt=0, le=3600, description="Seconds between two looks for what is due.")


class SchedulerSettings(ServiceSettings, frozen=True):
    """The service that makes the runs of schedules ahead of their time."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 5.0
    deployment_batch_size: Annotated[
        int, Meta(ge=1, le=10_000, description="Schedules whose runs are made in one transaction.")
    ] = 100
    min_runs: Annotated[int, Meta(ge=1, le=1000, description="Fewest runs of a schedule that are made ahead.")] = 3
    max_runs: Annotated[int, Meta(ge=1, le=1000, description="Most runs of a schedule that are made ahead.")] = 100
    min_scheduled_time: Annotated[
        float, Meta(ge=0, le=1000 * _DAY, description="Seconds for which the runs of a schedule are made at least.")
    ] = 3600.0
    max_scheduled_time: Annotated[
        float, Meta(gt=0, le=1000 * _DAY, description="Seconds beyond which no run of a schedule is made.")
    ] = 100 * _DAY
    rule_seconds: Annotated[
        float,
        Meta(gt=0, le=600, description="Seconds after which following a schedule's rule is given up for a while."),
    ] = 5.0


class LateRunsSettings(ServiceSettings, frozen=True):
    """The service that marks runs Late which nobody has picked up in time."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 5.0
    after_seconds: Annotated[float, Meta(ge=0, le=_DAY, description="Seconds after its time that a run is late.")] = (
        15.0
    )


class ForemanSettings(ServiceSettings, frozen=True):
    """The service that notices workers, pools, queues and deployments that nobody looks after any more."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 15.0
    inactivity_heartbeat_multiple: Annotated[
        int, Meta(ge=1, le=1000, description="Heartbeats that a worker may miss before it counts as offline.")
    ] = 3
    fallback_heartbeat_interval_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="Seconds between the heartbeats of a worker that does not say how many.")
    ] = 30
    deployment_last_polled_timeout_seconds: Annotated[
        float, Meta(gt=0, le=_DAY, description="Seconds without a poll after which a deployment is not ready.")
    ] = 60.0
    work_queue_last_polled_timeout_seconds: Annotated[
        float, Meta(gt=0, le=_DAY, description="Seconds without a poll after which a work queue is not ready.")
    ] = 60.0


class RepossessorSettings(ServiceSettings, frozen=True):
    """The service that takes back the slots of leases that have run out."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 15.0


class LivenessSettings(ServiceSettings, frozen=True):
    """The service that notices runs whose process is gone, and claims that lead to nothing."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 5.0
    claim_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Seconds a claimed run may be Pending before others may claim it again.")
    ] = 300.0
    patience_seconds: Annotated[
        float,
        Meta(gt=0, le=3600, description="Seconds after the server has come up in which nobody counts as lost yet."),
    ] = 60.0
    infrastructure_timeout_seconds: Annotated[
        float, Meta(gt=0, description="The same while infrastructure is being made for it, as in Submitting.")
    ] = 3600.0
    pending_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Seconds a run that nobody can claim may be Pending before it is Crashed.")
    ] = 3600.0
    most_claims: Annotated[
        int, Meta(ge=1, le=1000, description="Times a run is claimed in vain before it is Crashed.")
    ] = 10
    heartbeat_seconds: Annotated[
        float, Meta(gt=0, description="Seconds between the heartbeats of a run, until its own have told.")
    ] = 180.0
    missed_heartbeats: Annotated[
        int, Meta(ge=1, le=1000, description="Heartbeats that a run may miss before it counts as lost.")
    ] = 3
    when_lost: Annotated[
        Literal["crash", "reschedule"],
        Meta(description="What becomes of lost runs: all are Crashed, or those with retries left are scheduled anew."),
    ] = "crash"


class CancellationCleanupSettings(ServiceSettings, frozen=True):
    """The service that brings cancellations to their end."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 20.0
    cancelling_timeout_seconds: Annotated[
        float, Meta(gt=0, description="Seconds a run may be Cancelling before the server makes it Cancelled.")
    ] = 300.0
    leftovers_after_seconds: Annotated[
        float,
        Meta(ge=0, description="Seconds after a run's end until what it has left unfinished is ended too."),
    ] = 60.0


class PauseExpirationsSettings(ServiceSettings, frozen=True):
    """The service that fails runs which were paused and never resumed."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 5.0


class TaskLeasesSettings(ServiceSettings, frozen=True):
    """The service that notices background tasks whose worker is gone."""

    grace_seconds: Annotated[
        float,
        Meta(
            ge=0, le=3600, description="Seconds after a server's start in which workers may give signs of life first."
        ),
    ] = 30.0


class OperationsSettings(ServiceSettings, frozen=True):
    """The service that carries operations out."""

    batch_size: Annotated[
        int, Meta(ge=1, le=100_000, description="Most items that are dealt with in one transaction.")
    ] = 10_000


class PurgeSettings(ServiceSettings, frozen=True):
    """The service that removes for good what was deleted, once it can no longer be restored."""

    loop_seconds: Annotated[float, _BETWEEN_LOOKS] = 5.0
    batch_size: Annotated[
        int, Meta(ge=50, le=100_000, description="Most rows that are removed in one transaction.")
    ] = 5_000
    slowdown: Annotated[
        float,
        Meta(
            ge=1.1, le=100, description="How many times slower than usual requests may become before it takes it easy."
        ),
    ] = 1.5
    longest_rest: Annotated[
        float, Meta(ge=0, le=60, description="Most seconds between two batches; 0 never rests.")
    ] = 1.0
    late_after_seconds: Annotated[
        float,
        Meta(gt=0, description="Seconds something due may wait before the server says that the purge falls behind."),
    ] = 3600.0


class RetentionSettings(ServiceSettings, frozen=True):
    """The service that removes what has been kept for as long as retention policies say."""

    loop_seconds: Annotated[
        float, Meta(gt=0, le=7 * _DAY, description="Seconds between two runs of a retention policy.")
    ] = 3600.0


class ServerServicesSettings(Group, frozen=True):
    """What the server does by itself, each by the name of its service."""

    event_persister: ServiceSettings = ServiceSettings()
    triggers: ServiceSettings = ServiceSettings()
    proactive_triggers: ServiceSettings = ServiceSettings()
    actions: ActionsSettings = ActionsSettings()
    histories: ServiceSettings = ServiceSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    late_runs: LateRunsSettings = LateRunsSettings()
    foreman: ForemanSettings = ForemanSettings()
    repossessor: RepossessorSettings = RepossessorSettings()
    liveness: LivenessSettings = LivenessSettings()
    cancellation_cleanup: CancellationCleanupSettings = CancellationCleanupSettings()
    pause_expirations: PauseExpirationsSettings = PauseExpirationsSettings()
    operations: OperationsSettings = OperationsSettings()
    settler: ServiceSettings = ServiceSettings()
    task_leases: TaskLeasesSettings = TaskLeasesSettings()
    purge: PurgeSettings = PurgeSettings()
    log_partitions: ServiceSettings = ServiceSettings()
    retention: RetentionSettings = RetentionSettings()
