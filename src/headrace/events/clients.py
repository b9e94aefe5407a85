"""Sending events, and following them as they come."""

from headrace.sdk.subscribing import EventsClient, EventSubscriber, get_events_client, get_events_subscriber

__all__ = ["EventSubscriber", "EventsClient", "get_events_client", "get_events_subscriber"]
