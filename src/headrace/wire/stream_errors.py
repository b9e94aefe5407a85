"""Errors of streams: they travel as frames, or as the reason of a close, and leave the rest of the socket alone."""

from headrace.wire.errors import RequestError


class StreamError(RequestError):
    """What a client sent on a WebSocket cannot be served."""

    code = "stream_error"


class InvalidFrame(StreamError):
    """A frame is not what is expected at this point."""

    code = "invalid_frame"


class InvalidStreamFilter(StreamError):
    """The filter is not one of its channel."""

    code = "invalid_filter"


class InvalidCursor(StreamError):
    """A text is no place in the log."""

    code = "invalid_cursor"


class SubscriptionExists(StreamError):
    """The id is taken by another subscription of the same socket."""

    code = "subscription_exists"


class UnknownSubscription(StreamError):
    """The socket has no subscription of that id."""

    code = "unknown_subscription"


class TooManySubscriptions(StreamError):
    """The socket has as many subscriptions as it may have."""

    code = "too_many_subscriptions"
