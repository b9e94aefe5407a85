"""Events and their resources."""

from headrace.sdk.event_types import Event, ReceivedEvent, RelatedResource, Resource, ResourceSpecification

__all__ = ["Event", "ReceivedEvent", "RelatedResource", "Resource", "ResourceSpecification"]
