"""The closed list of formats that a recipe can name."""

from typing import Final

from imssa.data import arrays, bundled, cifar10, folder, fsdd, mnist, speech_commands, spikes, ts
from imssa.data.sources import DataFormat

KINDS: Final[dict[str, DataFormat]] = {
    found.kind: found
    for found in (
        bundled.FORMAT,
        fsdd.FORMAT,
        speech_commands.FORMAT,
        folder.FORMAT,
        spikes.SHD,
        spikes.SSC,
        spikes.SPIKES,
        mnist.FORMAT,
        cifar10.FORMAT,
        ts.FORMAT,
        arrays.FORMAT,
    )
}
