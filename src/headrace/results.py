"""Values that runs return, and where they are kept."""

from headrace.sdk.results import ResultRecord, ResultRecordMetadata, ResultStore, get_result_store
from headrace.sdk.storage import LocalStorage, ResultStorage

__all__ = [
    "LocalStorage",
    "ResultRecord",
    "ResultRecordMetadata",
    "ResultStorage",
    "ResultStore",
    "get_result_store",
]
