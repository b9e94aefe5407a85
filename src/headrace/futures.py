"""Handles to task runs that may not have finished."""

from headrace.sdk.background.futures import DistributedFuture as HeadraceDistributedFuture
from headrace.sdk.futures import DoneAndNotDone, as_completed, wait
from headrace.sdk.futures import Future as HeadraceFuture
from headrace.sdk.futures import FutureList as HeadraceFutureList
from headrace.sdk.inputs import resolved_to_results as resolve_futures_to_results
from headrace.sdk.inputs import resolved_to_states as resolve_futures_to_states

PrefectDistributedFuture = HeadraceDistributedFuture
PrefectFuture = HeadraceFuture
PrefectFutureList = HeadraceFutureList
DoneAndNotDoneFutures = DoneAndNotDone

__all__ = [
    "DoneAndNotDoneFutures",
    "HeadraceDistributedFuture",
    "HeadraceFuture",
    "HeadraceFutureList",
    "PrefectDistributedFuture",
    "PrefectFuture",
    "PrefectFutureList",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]
