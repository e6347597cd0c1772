"""The closed list of formats that a recipe can name."""

from typing import Final

from imssa.data import bundled, fsdd
from imssa.data.recordings import RecordingFormat

KINDS: Final[dict[str, RecordingFormat]] = {
    found.kind: found
    for found in (
        bundled.FORMAT,
        fsdd.FORMAT,
    )
}
