"""Public data sets, downloaded: `imssa data fetch`."""

from imssa.data.fetch.fetching import Fetched, FetchedFile, Plan, fetch, plan_fetch, read_record
from imssa.data.fetch.published import SETS, PublishedFile, PublishedSet, published

__all__ = [
    "SETS",
    "Fetched",
    "FetchedFile",
    "Plan",
    "PublishedFile",
    "PublishedSet",
    "fetch",
    "plan_fetch",
    "published",
    "read_record",
]
