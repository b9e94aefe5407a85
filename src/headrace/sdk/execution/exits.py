"""How a process ended, in words: what a code or a signal most likely means, and what to do about it."""

import signal

import msgspec

_MEANINGS = {
    1: "an error that Python did not handle, or that the process chose to report",
    2: "a command that was called wrongly",
    126: "a command that may not be executed",
    127: "a command that was not found",
    247: "probably too little memory",
}
_SIGNALS = {
    "SIGKILL": "it was killed from outside, most often because memory ran out: look at the kernel's log, and give it "
    "more memory or less to do",
    "SIGTERM": "it was asked to stop from outside",
    "SIGINT": "it was interrupted",
    "SIGSEGV": "it accessed memory that is not its own, a fault of compiled code that the flow uses",
    "SIGABRT": "it gave up on itself, a fault of compiled code that the flow uses",
    "SIGBUS": "it accessed memory that is not there, such as a file that was cut while it was mapped",
    "SIGXCPU": "it used more processor time than it may",
    "SIGPIPE": "it wrote to something that was closed",
}


class Exit(msgspec.Struct, frozen=True):
    """The end of a process; `code` is negative for a signal, as `subprocess` has it."""

    code: int

    @property
    def is_clean(self) -> bool:
        """Whether the process itself said that all is well."""
        return self.code == 0

    def __str__(self) -> str:
        number = -self.code if self.code < 0 else self.code - 128
        if self.code < 0 or 128 < self.code <= 128 + 64:
            name = _signal_name(number)
            meaning = _SIGNALS.get(name)
            return f"ended by the signal {name}" + (f": {meaning}" if meaning else "")
        if self.code == 0:
            return "ended with the exit code 0"
        meaning = _MEANINGS.get(self.code)
        return f"ended with the exit code {self.code}" + (f": {meaning}" if meaning else "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
