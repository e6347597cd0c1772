"""Public data sets, downloaded: `imssa data fetch`."""

from imssa.data.fetch.fetching import Fetched, FetchedFile, fetch, read_record
from imssa.data.fetch.published import SETS, PublishedFile, PublishedSet, published

__all__ = [
    "SETS",
    "Fetched",
    "FetchedFile",
    "PublishedFile",
    "PublishedSet",
    "fetch",
    "published",
    "read_record",
]
