"""The settings: one frozen struct a subsystem, every field with its meaning and its bounds.

The environment variable of a field is `HEADRACE_` and its path in upper case, so that
`settings.server.database.url` is `HEADRACE_SERVER_DATABASE_URL`. The `Meta` of a field feeds
`headrace config view` and the message about a value that does not fit.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from headrace.settings.groups import Group
from headrace.settings.services import ServerServicesSettings

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_HTTP_URL = Meta(
    pattern=r"^https?://[^/\s]+",
    description="Where the API is, with its path; unset, runs are recorded in process or by this machine's server.",
    extra={"accepts": "an http:// or https:// URL such as http://127.0.0.1:4200/api"},
)
_DATABASE_URL = Meta(
    pattern=r"^(sqlite(\+aiosqlite)?:///|(postgres|postgresql)(\+asyncpg)?://)",
    description="The database; unset, the SQLite file headrace.db in the home folder.",
    extra={"accepts": "sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"},
)
_SECRET = {"secret": True}
_ENCRYPTION_KEY = Meta(
    pattern=r"^[A-Za-z0-9_-]{43}=$",
    description="Key that encrypts block documents in the database; unset, the database keeps a key of its own.",
    extra=_SECRET | {"accepts": "a Fernet key: 32 bytes as 44 characters of URL-safe base64"},
)


class APISettings(Group, frozen=True):
    """How this process reaches the API."""

    url: Annotated[str | None, _HTTP_URL] = None
    key: Annotated[str | None, Meta(description="API key, sent as a bearer token.", extra=_SECRET)] = None
    auth_string: Annotated[
        str | None,
        Meta(description="user:password for basic authentication.", extra=_SECRET | {"accepts": "user:password"}),
    ] = None
    request_timeout: Annotated[float, Meta(gt=0, description="Seconds until a request is given up.")] = 60.0
    max_retries: Annotated[
        int, Meta(ge=0, description="Times a request is sent again after a 408, 429, 502, 503 or a lost connection.")
    ] = 5


class LoggingSettings(Group, frozen=True):
    """What is logged, and which of it reaches the API."""

    level: Annotated[Level, Meta(description="Least level of headrace's own and the runs' loggers.")] = "INFO"
    server_level: Annotated[Level, Meta(description="Least level of the server's loggers.")] = "WARNING"
    server_format: Annotated[
        Literal["auto", "console", "json"],
        Meta(description="Form of the server's log lines; auto is console on a terminal and json elsewhere."),
    ] = "auto"
    log_prints: Annotated[bool, Meta(description="Flows and tasks log what they print, unless they say.")] = False
    extra_loggers: Annotated[
        tuple[str, ...], Meta(description="Loggers of other libraries whose lines are kept with the runs.")
    ] = ()
    colors: Annotated[bool, Meta(description="Colours on a terminal.")] = True
    to_api_enabled: Annotated[bool, Meta(description="Log lines of runs are sent to the API.")] = True
    to_api_batch_interval: Annotated[float, Meta(gt=0, description="Seconds between two sendings of log lines.")] = 2.0
    to_api_batch_size: Annotated[int, Meta(gt=0, description="Bytes of log lines sent in one request.")] = 4_000_000
    to_api_max_log_size: Annotated[int, Meta(gt=0, description="Bytes of one log line; a longer one is cut.")] = (
        1_000_000
    )
    to_api_when_missing_flow: Annotated[
        Literal["warn", "error", "ignore"], Meta(description="What a run logger does outside of any run.")
    ] = "warn"


class ResultsSettings(Group, frozen=True):
    """How the values that runs return are kept."""

    persist_by_default: Annotated[bool, Meta(description="Results are written to storage, unless a run says.")] = False
    default_serializer: Annotated[
        str, Meta(min_length=1, description="Serializer of results, such as pickle, json or compressed/pickle.")
    ] = "pickle"
    local_storage_path: Annotated[
        Path, Meta(description="Folder of results; a relative path starts at the home folder.")
    ] = Path("storage")


class TasksSettings(Group, frozen=True):
    """Defaults of tasks."""

    default_retries: Annotated[int, Meta(ge=0, description="Retries of a task that names none.")] = 0
    default_retry_delay_seconds: Annotated[
        float, Meta(ge=0, description="Seconds before each retry of a task that names none.")
    ] = 0.0
    default_persist_result: Annotated[
        bool | None, Meta(description="Whether tasks keep their results; unset, as results.persist_by_default.")
    ] = None
    runner_max_workers: Annotated[
        int | None, Meta(ge=1, description="Threads of a ThreadPoolTaskRunner; unset, the runner decides.")
    ] = None
    worker_lease_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds without a sign of its worker after which a run is another's.")
    ] = 30.0
    refresh_cache: Annotated[bool, Meta(description="Tasks run again although a cached result exists.")] = False


class FlowsSettings(Group, frozen=True):
    """Defaults of flows."""

    default_retries: Annotated[int, Meta(ge=0, description="Retries of a flow that names none.")] = 0
    default_retry_delay_seconds: Annotated[
        float, Meta(ge=0, description="Seconds before each retry of a flow that names none.")
    ] = 0.0
    heartbeat_frequency: Annotated[
        float, Meta(ge=0, description="Seconds between two signs of life of a flow run; 0 sends none.")
    ] = 180.0
    lease_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=86_400,
            description="Seconds after which a server takes a running flow run for lost whose process gives no sign.",
        ),
    ] = 60.0


class RunnerSettings(Group, frozen=True):
    """How a process executes the runs of deployments, be it `serve` or a worker."""

    poll_frequency: Annotated[float, Meta(gt=0, le=3600, description="Seconds between two looks for due runs.")] = 10.0
    process_limit: Annotated[int, Meta(ge=1, description="Runs that `serve` executes at once, unless it says.")] = 5
    grace_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Seconds a cancelled run's process has to end before it is killed.")
    ] = 30.0
    on_shutdown: Annotated[
        Literal["drain", "cancel"],
        Meta(description="What becomes of runs under way when who executes them is asked to stop: waited for, or not."),
    ] = "drain"
    health_host: Annotated[str, Meta(min_length=1, description="Address of the health check.")] = "0.0.0.0"
    health_port: Annotated[int, Meta(ge=0, le=65_535, description="Port of the health check.")] = 8080


class WorkerSettings(Group, frozen=True):
    """How a worker keeps in touch with its work pool."""

    heartbeat_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds between two signs of life of a worker.")
    ] = 30.0
    query_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="Seconds between two looks of a worker for due runs.")
    ] = 10.0


class ServerAPISettings(Group, frozen=True):
    """How the server listens and what it accepts."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 4200
    base_path: Annotated[
        str, Meta(pattern=r"^(/[^/\s]+)*$", description="Path under which the API is.", extra={"accepts": "/api"})
    ] = "/api"
    auth_string: Annotated[
        str | None,
        Meta(
            pattern=r"^[^:]+:.+$",
            description="user:password that every request must carry; unset, the API is open.",
            extra=_SECRET | {"accepts": "user:password"},
        ),
    ] = None
    default_limit: Annotated[int, Meta(ge=1, description="Most objects in one answer.")] = 200
    csrf_protection_enabled: Annotated[bool, Meta(description="Changes need a CSRF token.")] = False
    cors_allowed_origins: Annotated[str, Meta(description="Origins that browsers may call from, by commas.")] = "*"
    cors_allowed_methods: Annotated[str, Meta(description="Methods that browsers may use, by commas.")] = "*"
    cors_allowed_headers: Annotated[str, Meta(description="Headers that browsers may send, by commas.")] = "*"
    max_body_bytes: Annotated[int, Meta(ge=1024, description="Longest request body.")] = 32 * 1024 * 1024
    max_parameter_bytes: Annotated[int, Meta(ge=1, description="Longest parameters of a run, as JSON.")] = 524_288
    keepalive_timeout: Annotated[int, Meta(ge=0, description="Seconds an idle connection stays open.")] = 5


class ServerDatabaseSettings(Group, frozen=True):
    """The database of the server and of in-process recording."""

    url: Annotated[str | None, _DATABASE_URL] = None
    timeout: Annotated[float, Meta(gt=0, description="Seconds a statement or a busy database is waited for.")] = 10.0
    connection_pool_size: Annotated[int, Meta(ge=1, description="Connections to PostgreSQL.")] = 10
    migrate_on_start: Annotated[bool, Meta(description="Bring the schema up to date when the server starts.")] = True


class ServerConcurrencySettings(Group, frozen=True):
    """Slots of concurrency limits."""

    initial_deployment_lease_duration: Annotated[
        float, Meta(gt=0, description="Seconds a new run may hold a deployment's slot before its process renews it.")
    ] = 300.0
    maximum_concurrency_slot_wait_seconds: Annotated[
        float, Meta(gt=0, description="Most seconds a run is told to wait before it asks for a slot again.")
    ] = 30.0


class ServerEventsSettings(Group, frozen=True):
    """The log of events."""

    stream_out_enabled: Annotated[bool, Meta(description="Clients may follow events live, at /events/out.")] = True
    proactive_granularity: Annotated[
        float, Meta(gt=0, description="Seconds between two looks for events that fail to come.")
    ] = 5.0
    maximum_event_bytes: Annotated[
        int, Meta(gt=0, description="Most bytes of one event on /events/in; a larger one is quarantined.")
    ] = 1_500_000
    retention_period: Annotated[float, Meta(gt=0, description="Seconds for which events are kept.")] = 7 * 86_400.0
    retention_overrides: Annotated[
        tuple[str, ...],
        Meta(
            description="Seconds for which some events are kept, longer or shorter; the most specific name wins.",
            extra={"accepts": "NAME=SECONDS or PREFIX*=SECONDS, several of them separated by commas"},
        ),
    ] = ()


class ServerLogsSettings(Group, frozen=True):
    """The log lines of runs."""

    stream_out_enabled: Annotated[bool, Meta(description="Clients may follow log lines live, at /logs/out.")] = True


class ServerTasksSettings(Group, frozen=True):
    """Background tasks."""

    begin_timeout: Annotated[
        float,
        Meta(ge=1, le=86_400, description="Seconds in which a delivered task begins, or else it is delivered again."),
    ] = 30.0


class ServerTrashSettings(Group, frozen=True):
    """What is deleted, and can be restored until it is removed for good."""

    keep_seconds: Annotated[
        float,
        Meta(ge=0, le=36_500 * 86_400, description="Seconds for which what is deleted can be restored; 0 for none."),
    ] = 7 * 86_400.0
    settle_after_seconds: Annotated[
        float,
        Meta(ge=0, description="Seconds after which hidden runs are marked in their rows; until then undo is instant."),
    ] = 60.0
    most_hidden: Annotated[
        int, Meta(ge=0, description="Most runs that are hidden at once; above that the oldest are marked sooner.")
    ] = 200_000


class ServerOperationsSettings(Group, frozen=True):
    """What is kept of bulk changes that are over."""

    keep_items_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=36_500 * 86_400,
            description="Seconds for which what an operation applied to is kept after its end, and longer while what it"
            " deleted can be restored; 0 for ever.",
        ),
    ] = 30 * 86_400.0
    keep_seconds: Annotated[
        float,
        Meta(ge=0, le=36_500 * 86_400, description="Seconds for which the record of an operation is kept; 0 for ever."),
    ] = 365 * 86_400.0


class ServerSettings(Group, frozen=True):
    """What the server does."""

    api: ServerAPISettings = ServerAPISettings()
    database: ServerDatabaseSettings = ServerDatabaseSettings()
    concurrency: ServerConcurrencySettings = ServerConcurrencySettings()
    events: ServerEventsSettings = ServerEventsSettings()
    logs: ServerLogsSettings = ServerLogsSettings()
    services: ServerServicesSettings = ServerServicesSettings()
    operations: ServerOperationsSettings = ServerOperationsSettings()
    tasks: ServerTasksSettings = ServerTasksSettings()
    trash: ServerTrashSettings = ServerTrashSettings()
    encryption_key: Annotated[str | None, _ENCRYPTION_KEY] = None
    ui_url: Annotated[
        str | None,
        Meta(
            pattern=r"^https?://\S+$",
            description="Where people open the UI; links in notifications begin with it.",
            extra={"accepts": "https://headrace.example.com"},
        ),
    ] = None


class Settings(Group, frozen=True):
    """All settings of one process, fixed once they are loaded."""

    home: Annotated[Path, Meta(description="Folder of the database, profiles and results.")] = msgspec.field(
        default_factory=lambda: Path.home() / ".headrace"
    )
    profile: Annotated[str, Meta(min_length=1, description="The profile in use.")] = "default"
    api: APISettings = APISettings()
    logging: LoggingSettings = LoggingSettings()
    results: ResultsSettings = ResultsSettings()
    tasks: TasksSettings = TasksSettings()
    flows: FlowsSettings = FlowsSettings()
    runner: RunnerSettings = RunnerSettings()
    worker: WorkerSettings = WorkerSettings()
    server: ServerSettings = ServerSettings()

    def __post_init__(self) -> None:
        """Give `~` and relative paths their place, so that nobody else has to."""
        home = self.home.expanduser().absolute()
        storage = home / self.results.local_storage_path.expanduser()
        msgspec.structs.force_setattr(self, "home", home)
        msgspec.structs.force_setattr(
            self, "results", msgspec.structs.replace(self.results, local_storage_path=storage)
        )

    @property
    def database_url(self) -> str:
        """The database in use, named or the default."""
        return self.server.database.url or f"sqlite:///{self.home / 'headrace.db'}"

    @property
    def profiles_path(self) -> Path:
        """The file of profiles; it may not exist."""
        return self.home / "profiles.toml"

    @property
    def server_path(self) -> Path:
        """The file in which a running local server says its pid, URL and database."""
        return self.home / "server.json"
