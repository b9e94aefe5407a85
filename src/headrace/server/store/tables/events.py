"""The log of events, what follows it, and what could not be taken in."""

from sqlalchemy import Column, Integer, LargeBinary, Text

from headrace.server.store.tables.columns import (
    Document,
    Id,
    Key,
    Number,
    Time,
    document,
    flag,
    full_index,
    optional_text,
    partial_index,
    primary_id,
    reference,
    required_text,
    sequence,
    table,
    total,
)

events = table(  # only ever added to, but for what its retention ends
    "events",
    sequence(),
    Column("id", Id, nullable=False),
    Column("occurred", Time, nullable=False),
    Column("received", Time, nullable=False),
    Column("event", Key, nullable=False),
    Column("resource_id", Key, nullable=False),
    Column("resource", Document, nullable=False),
    document("related", "[]"),
    required_text("payload"),  # as it came, with its keys in their order
    reference("follows"),
    numbered=True,
)
_event = events.c
full_index("uq_events_id", _event.id, unique=True)  # each is there once; whether a leader has been seen
full_index("ix_events_occurred", _event.occurred, _event.seq)  # a window of time, newest or oldest first; retention
full_index("ix_events_event", _event.event, _event.occurred, _event.seq)  # the same for one name or a prefix of names

event_resources = table(  # goes away with its event, by hand: a foreign key would be checked for each row
    "event_resources",
    Column("resource_id", Key, primary_key=True),
    Column("occurred", Time, primary_key=True),
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),  # 0 is the resource itself
    optional_text("role"),
    clustered=True,
)

event_quarantine = table(
    "event_quarantine",
    primary_id(),
    Column("quarantined_at", Time, nullable=False),
    optional_text("consumer"),  # none: the event never came into the log
    reference("event_id"),
    optional_text("event"),
    Column("seq", Number),
    required_text("reason"),
    Column("body", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
)
full_index("ix_event_quarantine_quarantined_at", event_quarantine.c.quarantined_at)  # newest first; retention
full_index("ix_event_quarantine_consumer", event_quarantine.c.consumer, event_quarantine.c.quarantined_at)  # one's own

event_consumers = table(
    "event_consumers",
    Column("name", Text, primary_key=True),
    total("seq"),  # every event up to here is handled, parked or quarantined
    total("handled"),
    total("quarantined"),
    Column("updated", Time, nullable=False),
    clustered=True,
)

event_followers = table(  # events that wait for the one they follow
    "event_followers",
    Column("consumer", Text, primary_key=True),
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("id", Id, nullable=False),
    Column("follows", Id, nullable=False),
    Column("received", Time, nullable=False),
    Column("occurred", Time, nullable=False),
    flag("ready", default=False),
    clustered=True,
)
_follower = event_followers.c
full_index("ix_event_followers_id", _follower.consumer, _follower.id)  # whether a leader is parked itself
full_index("ix_event_followers_follows", _follower.consumer, _follower.follows)  # those that a leader releases
full_index("ix_event_followers_received", _follower.consumer, _follower.received)  # those that have waited enough
partial_index(  # those that are released and not handled yet
    "ix_event_followers_ready", _follower.consumer, _follower.occurred, _follower.seq, where="ready"
)

log_arrivals = table(  # which lines were written when: the log of logs
    "log_arrivals",
    sequence(),
    Column("created", Time, nullable=False),
    Column("lines", Document, nullable=False),
    numbered=True,
)
full_index("ix_log_arrivals_created", log_arrivals.c.created)  # retention

log_trims = table(  # what retention has ended of each log, so that a reader knows of the rows that it missed
    "log_trims",
    Column("log", Text, primary_key=True),
    total("seq"),  # the highest number that was removed
    total("removed"),  # how many rows
    Column("updated", Time, nullable=False),
    clustered=True,
)
