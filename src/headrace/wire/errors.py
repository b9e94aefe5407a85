"""Every error of headrace, on one tree.

    HeadraceError
    ├── RequestError                 the request cannot be served as it is
    │   ├── InvalidRequest       422 a body, query or path that does not fit; names the field
    │   ├── BadRequest           400
    │   ├── Unauthorized         401
    │   ├── Forbidden            403
    │   ├── ObjectNotFound       404
    │   ├── MethodNotAllowed     405
    │   ├── RequestTimeout       408
    │   ├── Conflict             409 (ObjectAlreadyExists: a name or key is taken)
    │   ├── Gone                 410
    │   ├── BodyTooLarge         413
    │   ├── Unprocessable        422 well-formed, but a rule of the contract forbids it
    │   ├── InvalidTemplate      422 a template that cannot be rendered
    │   └── Locked               423
    ├── ServiceError                 the service cannot answer now
    │   ├── InternalError        500
    │   └── ServiceUnavailable   503 (StorageFull: the database has no space left)
    ├── StoreError                   the database cannot be used; one clear line for the terminal
    ├── SettingsError                a setting or profile is wrong
    ├── AddressUnavailable           the server cannot listen where it is told to
    └── RunError                     raised to users' code by the SDK
        ├── Abort, Pause             the server ended or paused this run
        ├── MissingResult, FailedRun, CrashedRun, CancelledRun, UnfinishedRun, TimedOutRun
        ├── UpstreamTaskError        a task cannot start because one it needs did not complete
        ├── MissingContext           something that needs a run was used outside of any
        ├── MappingError             (MappingLengthMismatch, MappingMissingIterable)
        ├── SerializationError       a result cannot be written or read as its serializer wants
        ├── DefinitionError          (ReservedArgument) a flow or task is declared wrongly
        ├── ParameterError           (ParameterTypeError, ParameterBindError)
        ├── FieldError               a block or an input is given values that do not fit its fields
        ├── those of deploying       in wire.deploying_errors: entrypoints, references, steps, deployments
        └── those of waiting         in wire.waiting_errors: for a person, for a run, for a slot

Each class carries its code and, where it travels, its HTTP status; `body()` is its form on the wire
(contract §1). Every message says what happened, to what, and what to do.
"""

from typing import Any, ClassVar


class HeadraceError(Exception):
    """Base of all errors. `code` is stable and meant for programs, the message for people."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def body(self) -> dict[str, Any]:
        """The error as the contract's JSON."""
        return {"exception_message": str(self), "code": self.code}

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to the error."""
        return {}


class RequestError(HeadraceError):
    """The request cannot be served as it is; sending it again unchanged gives the same answer."""

    code = "bad_request"
    status = 400

    def body(self) -> dict[str, Any]:
        return {"detail": str(self), "code": self.code}


class BadRequest(RequestError):
    """The request contradicts itself or the object it is about."""


class InvalidRequest(RequestError):
    """Some part of the request has the wrong shape. `location` is a path such as ("body", "limit")."""

    code = "invalid_request"
    status = 422

    def __init__(
        self, message: str, location: tuple[str | int, ...] = ("body",), kind: str = "value_error", given: Any = None
    ) -> None:
        super().__init__(message)
        self.location, self.kind, self.given = location, kind, given
        self.request_body: Any = None

    def body(self) -> dict[str, Any]:
        detail = {"type": self.kind, "loc": list(self.location), "msg": str(self), "input": self.given}
        return {
            "exception_message": "Invalid request received.",
            "exception_detail": [detail],
            "request_body": self.request_body,
            "code": self.code,
        }


class Unauthorized(RequestError):
    """Credentials are missing or wrong."""

    code = "unauthorized"
    status = 401

    def body(self) -> dict[str, Any]:
        return {"exception_message": "Unauthorized", "code": self.code}


class Forbidden(RequestError):
    """The request is understood and refused."""

    code = "forbidden"
    status = 403


class ObjectNotFound(RequestError):
    """The object that the request names does not exist (any more)."""

    code = "not_found"
    status = 404

    def body(self) -> dict[str, Any]:
        return {"exception_message": str(self), "detail": str(self), "code": self.code}


class MethodNotAllowed(RequestError):
    """The path exists, but not for this method; `allowed` are those it takes."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class RequestTimeout(RequestError):
    """The rest of the request did not arrive in time; sending it again is worthwhile."""

    code = "request_timeout"
    status = 408


class Conflict(RequestError):
    """The request would break the integrity of stored data."""

    code = "conflict"
    status = 409


class ObjectAlreadyExists(Conflict):
    """A name or key that must be unique is taken."""

    code = "already_exists"


class Gone(RequestError):
    """What the request is about existed and is over for good, such as a lease that ran out."""

    code = "gone"
    status = 410


class BodyTooLarge(RequestError):
    """The body is longer than the server accepts."""

    code = "body_too_large"
    status = 413


class Unprocessable(RequestError):
    """The request is well formed, but a rule forbids it, such as a limit over the maximum."""

    code = "unprocessable"
    status = 422


class InvalidTemplate(RequestError):
    """A template that cannot be rendered; `line` counts from 1, `source` is the template (contract §8)."""

    code = "invalid_template"
    status = 422

    def __init__(self, message: str, line: int, source: str) -> None:
        super().__init__(message)
        self.line, self.source = line, source

    def body(self) -> dict[str, Any]:
        return {"error": {"line": self.line, "message": str(self), "source": self.source}, "code": self.code}


class Locked(RequestError):
    """A slot is not free now; `retry_after` is in seconds."""

    code = "locked"
    status = 423

    def __init__(self, message: str = "Locked", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class ServiceError(HeadraceError):
    """The service failed; the same request may succeed later."""

    code = "internal_error"


class InternalError(ServiceError):
    """A fault of the server's own; its log has the details, under `request_id`."""

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.request_id is None else {"X-Request-Id": self.request_id}

    def body(self) -> dict[str, Any]:
        return {"exception_message": "Internal Server Error", "code": self.code}


class ServiceUnavailable(ServiceError):
    """The database is busy or away, or the API cannot be reached."""

    code = "service_unavailable"
    status = 503

    def body(self) -> dict[str, Any]:
        return {"exception_message": "Service Unavailable", "code": self.code, "detail": str(self)}

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "1"}


class StorageFull(ServiceUnavailable):
    """The disk that holds the database is full; nothing can be written until there is space again."""


class StoreError(HeadraceError):
    """The database cannot be used: unreachable, of a newer version, or not a database at all."""

    code = "store_unusable"


class SettingsError(HeadraceError):
    """A setting, a profile or the file that holds them is wrong."""

    code = "bad_setting"


class AddressUnavailable(HeadraceError):
    """The server cannot listen on its address: the port is taken, or the host is not this machine."""

    code = "address_unavailable"


class RunError(HeadraceError):
    """Base of what the SDK raises about runs."""

    code = "run_error"


class Abort(RunError):
    """The server refused to let this run go on."""

    code = "aborted"


class Pause(RunError):
    """The server paused this run; its state says until when."""

    code = "paused"

    def __init__(self, *args: Any, state: Any = None) -> None:
        super().__init__(*args)
        self.state = state


class MissingResult(RunError):
    """A run finished, but its value was not kept or cannot be read here."""

    code = "missing_result"


class FailedRun(RunError):
    """A run failed and its own exception is not available."""

    code = "failed_run"


class CrashedRun(RunError):
    """A run was ended from outside."""

    code = "crashed_run"


class CancelledRun(RunError):
    """A run was cancelled."""

    code = "cancelled_run"


class UnfinishedRun(RunError):
    """A run has no result because it has not finished."""

    code = "unfinished_run"


class TimedOutRun(RunError, TimeoutError):
    """A run took longer than its `timeout_seconds`."""

    code = "timed_out_run"


class UpstreamTaskError(RunError):
    """A task cannot start because a task run whose result it needs did not complete."""

    code = "upstream_not_completed"


class MissingContext(RunError, RuntimeError):
    """Something that needs a flow run or a task run was used outside of any."""

    code = "missing_context"


class MappingError(RunError):
    """The arguments of a `map` do not say what to map over."""

    code = "bad_mapping"


class MappingLengthMismatch(MappingError):
    """The iterables of a `map` have different lengths."""


class MappingMissingIterable(MappingError):
    """A `map` was given nothing to iterate over."""


class SerializationError(RunError):
    """A result cannot be written, or what is stored cannot be read."""

    code = "unserializable"


class DefinitionError(RunError, TypeError):
    """A flow or task is declared in a way that cannot work."""

    code = "bad_definition"


class ReservedArgument(DefinitionError):
    """A parameter has a name that calls give another meaning, such as `wait_for`."""


class ParameterError(RunError):
    """A flow or task was called with parameters that it does not take."""

    code = "bad_parameters"


class ParameterTypeError(ParameterError):
    """A parameter has a value of the wrong type."""

    code = "bad_parameter_type"


class ParameterBindError(ParameterError, TypeError):
    """The arguments do not fit the function's signature."""

    code = "unbindable_parameters"


class FieldError(RunError, ValueError):
    """A block or a run's input is given values that do not fit its fields; the message names each."""

    code = "bad_field"
