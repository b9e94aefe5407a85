"""The schema's revisions, oldest first: each is a file under `migrations/versions`."""

REVISIONS = ("0001",)
HEAD = REVISIONS[-1]
