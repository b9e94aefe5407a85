"""Automations, what their triggers remember between events, and what they did."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Text, text

from headrace.server.store.tables.columns import (
    Id,
    OrderedDocument,
    Time,
    child_of,
    count,
    document,
    flag,
    full_index,
    live_index,
    optional_text,
    partial_index,
    primary_id,
    reference,
    required_text,
    stamps,
    table,
    tags_index,
    time,
    trash_index,
    trash_marks,
)


def _ordered(name: str, empty: str | None = None) -> Column[Any]:
    """A document that people wrote, kept as they wrote it."""
    return Column(name, OrderedDocument, nullable=False, server_default=None if empty is None else text(f"'{empty}'"))


automations = table(
    "automations",
    primary_id(),
    *stamps(),
    required_text("name"),
    Column("description", Text, nullable=False, server_default=text("''")),
    flag("enabled", default=True),
    document("tags", "[]"),
    _ordered("trigger"),
    _ordered("actions", "[]"),
    _ordered("actions_on_trigger", "[]"),
    _ordered("actions_on_resolve", "[]"),
    *trash_marks(),
)
trash_index(automations)
_automation = automations.c
live_index("ix_automations_name", _automation.name, _automation.id)  # by name, sort by name
live_index("ix_automations_updated", _automation.updated, _automation.id)  # latest first; what has changed since
tags_index(automations)

automation_resources = table(  # what an automation is about, and what owns it
    "automation_resources",
    Column("automation_id", Id, ForeignKey("automations.id", ondelete="CASCADE"), primary_key=True),
    Column("resource_id", Text, primary_key=True),
    flag("owns", default=False),
    clustered=True,
)
full_index(  # those related to a resource
    "ix_automation_resources_resource_id", automation_resources.c.resource_id, automation_resources.c.automation_id
)

automation_buckets = table(  # events counted towards a threshold, or a wait for one that should come
    "automation_buckets",
    child_of("automations"),
    Column("trigger_id", Id, primary_key=True),
    Column("key", Text, primary_key=True),  # the JSON list of the values of for_each
    Column("since", Time, nullable=False),
    Column("until", Time, nullable=False),
    count("count"),
    Column("last_event", OrderedDocument),
    Column("updated", Time, nullable=False),
    clustered=True,
)
full_index("ix_automation_buckets_automation_id", automation_buckets.c.automation_id)  # foreign key
full_index("ix_automation_buckets_until", automation_buckets.c.until)  # those whose time is up

automation_child_firings = table(  # the part of a compound trigger that has fired
    "automation_child_firings",
    child_of("automations"),
    Column("parent_trigger_id", Id, primary_key=True),
    Column("child_trigger_id", Id, primary_key=True),
    Column("id", Id, nullable=False),
    Column("fired_at", Time, nullable=False),
    Column("firing", OrderedDocument, nullable=False),
    clustered=True,
)
full_index("ix_automation_child_firings_automation_id", automation_child_firings.c.automation_id)  # foreign key
full_index("ix_automation_child_firings_fired_at", automation_child_firings.c.fired_at)  # those too old to count

automation_firings = table(  # history: it stays when its automation goes
    "automation_firings",
    primary_id(),
    Column("created", Time, nullable=False),
    Column("automation_id", Id, nullable=False),
    Column("trigger_id", Id, nullable=False),
    optional_text("posture"),
    required_text("state"),
    Column("fired_at", Time, nullable=False),
    Column("key", Text, nullable=False, server_default=text("'[]'")),
    reference("event_id"),
    Column("event", OrderedDocument),
    Column("firing", OrderedDocument, nullable=False),
)
_firing = automation_firings.c
full_index(
    "ix_automation_firings_automation_id", _firing.automation_id, _firing.fired_at
)  # an automation's, newest first
full_index("ix_automation_firings_fired_at", _firing.fired_at)  # everyone's, newest first; retention

automation_actions = table(  # its id is the key by which doing it again is recognized
    "automation_actions",
    primary_id(),
    *stamps(),
    Column("automation_id", Id, nullable=False),
    Column("firing_id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("action", OrderedDocument, nullable=False),
    Column("event", OrderedDocument),
    Column("status", Text, nullable=False, server_default=text("'PENDING'")),
    count("attempts"),
    Column("due", Time, nullable=False),
    time("claimed_until"),
    time("ended"),
    optional_text("reason"),
    Column("result", OrderedDocument),
)
_action = automation_actions.c
partial_index("ix_automation_actions_due", _action.due, where="status IN ('PENDING', 'RUNNING')")  # what is to be done
full_index(
    "ix_automation_actions_automation_id", _action.automation_id, _action.created
)  # an automation's, newest first
full_index("ix_automation_actions_firing_id", _action.firing_id)  # a firing's
