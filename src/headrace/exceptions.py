"""What headrace raises. All of it is a `HeadraceException`."""

from headrace.wire.errors import (
    Abort,
    CancelledRun,
    Conflict,
    CrashedRun,
    DefinitionError,
    FailedRun,
    FieldError,
    HeadraceError,
    MappingLengthMismatch,
    MappingMissingIterable,
    MissingContext,
    MissingResult,
    ObjectAlreadyExists,
    ObjectNotFound,
    ParameterBindError,
    ParameterError,
    ParameterTypeError,
    Pause,
    RequestError,
    ReservedArgument,
    RunError,
    SerializationError,
    ServiceError,
    ServiceUnavailable,
    SettingsError,
    TimedOutRun,
    UnfinishedRun,
    UpstreamTaskError,
)
from headrace.wire.waiting_errors import PauseTimeout, SlotsNotAcquired, SlotsTimeout, WaitTimeout

HeadraceException = PrefectException = HeadraceError
MissingContextError = MissingContext
PausedRun = Pause
FlowPauseTimeout = PauseTimeout
FlowRunWaitTimeout = WaitTimeout
ReservedArgumentError = ReservedArgument

__all__ = [
    "Abort",
    "CancelledRun",
    "Conflict",
    "CrashedRun",
    "DefinitionError",
    "FailedRun",
    "FieldError",
    "FlowPauseTimeout",
    "FlowRunWaitTimeout",
    "HeadraceError",
    "HeadraceException",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MissingContextError",
    "MissingResult",
    "ObjectAlreadyExists",
    "ObjectNotFound",
    "ParameterBindError",
    "ParameterError",
    "ParameterTypeError",
    "Pause",
    "PausedRun",
    "PrefectException",
    "RequestError",
    "ReservedArgumentError",
    "RunError",
    "SerializationError",
    "ServiceError",
    "ServiceUnavailable",
    "SettingsError",
    "SlotsNotAcquired",
    "SlotsTimeout",
    "TimedOutRun",
    "UnfinishedRun",
    "UpstreamTaskError",
]
