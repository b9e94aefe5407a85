"""Objects of the API as related resources of events."""

from headrace.sdk.surroundings import object_as_related_resource, tags_as_related_resources

__all__ = ["object_as_related_resource", "tags_as_related_resources"]
