"""Limits on how much goes on at once, for plain code."""

from headrace.sdk.concurrency import concurrency, rate_limit
from headrace.wire.waiting_errors import SlotsNotAcquired as ConcurrencySlotAcquisitionError
from headrace.wire.waiting_errors import SlotsTimeout as AcquireConcurrencySlotTimeoutError

__all__ = ["AcquireConcurrencySlotTimeoutError", "ConcurrencySlotAcquisitionError", "concurrency", "rate_limit"]
