"""The schema's revisions, oldest first: each is a file under `migrations/versions`."""

from headrace.wire.errors import StoreError

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012")
HEAD = REVISIONS[-1]
BASE = "base"
"""No schema at all."""

_ORDER = (BASE, *REVISIONS)


def position(revision: str) -> int:
    """How many revisions led there; 0 is `BASE`."""
    return _ORDER.index(revision)


def resolve(name: str, current: str) -> str:
    """The revision that `head`, `base`, a revision's name, `+1` or `-2` means, seen from the current one.

    Raises `StoreError` where there is none of that name.
    """
    if name == "head":
        return HEAD
    if name in _ORDER:
        return name
    if name[:1] in ("+", "-") and name[1:].isdigit() and 0 <= (target := position(current) + int(name)) < len(_ORDER):
        return _ORDER[target]
    raise StoreError(
        f"There is no revision {name!r} of the schema, seen from {current}: choose head or one of {', '.join(_ORDER)}."
    )


def known(revision: str, database: object) -> str:
    """The same revision, or a `StoreError` when this version of headrace does not know it."""
    if revision not in REVISIONS:
        raise StoreError(
            f"The database {database} has the schema of another version (revision {revision!r}, this headrace knows "
            f"{HEAD!r} at most): install a newer headrace, or point HEADRACE_SERVER_DATABASE_URL to another database."
        )
    return revision
