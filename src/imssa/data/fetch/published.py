"""The public data sets that can be fetched: where they lie, how large they are, whose they are.

A checksum stands here only where it is published: by the data's makers, or by libraries that have checked
it for years (tonic and SpikingJelly for the spiking sets, torchaudio and TensorFlow Datasets for Speech
Commands, torchvision for MNIST; Krizhevsky's page for CIFAR-10). Where none is, the first fetch is
trusted and its SHA-256 kept, and later fetches must agree with it.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from imssa.errors import DataError

Container = Literal["zip", "tar", "gzip"]
MOST_BYTES: Final = 8 * 10**9
"""More than any file here; a file of unknown size is not followed further."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a data set, as its publisher packs it.

    Args:
        url: Where it lies.
        container: How it is packed.
        size: In bytes; None: not published.
        checksum: "md5:..." or "sha256:..."; None: not published.
        strip: Leading folders of the names inside that are left away.
        wanted: Regular expression for the names inside, after that; others are not unpacked.
    """

    url: str
    container: Container
    size: int | None = None
    checksum: str | None = None
    strip: int = 0
    wanted: str = r".*"

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.url.rsplit("/", 1)[1]


@dataclass(frozen=True)
class PublishedSet:
    """A data set that can be fetched.

    Args:
        name: What the user calls it.
        kind: The format that reads it, a key of ``imssa.data.KINDS``.
        what: What it holds, in words.
        licence: Under which it may be used, as far as its publishers say.
        cite: Whom to name in a publication.
        files: What is downloaded.
        root: Folder below the user's that ``data.root`` names afterwards; empty: that folder.
    """

    name: str
    kind: str
    what: str
    licence: str
    cite: str
    files: tuple[PublishedFile, ...]
    root: str = ""


_SPIKES: Final = "https://zenkelab.org/datasets/"
_SPOKEN: Final = "https://storage.googleapis.com/download.tensorflow.org/data/"
_DIGITS: Final = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_SERIES: Final = "https://www.timeseriesclassification.com/aeon-toolkit/"
_HEIDELBERG: Final = (
    "Cramer, Stradmann, Schemmel, Zenke: The Heidelberg Spiking Data Sets for the Systematic "
    "Evaluation of Spiking Neural Networks, IEEE TNNLS 33, 2744, 2022"
)
_COMMANDS: Final = (
    "Warden: Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, arXiv 1804.03209"
)


def _spikes(name: str, md5: str) -> PublishedFile:
    return PublishedFile(f"{_SPIKES}{name}.h5.zip", "zip", None, f"md5:{md5}", 0, rf"{name}\.h5")


def _digits(name: str, size: int, md5: str) -> PublishedFile:
    return PublishedFile(f"{_DIGITS}{name}-ubyte.gz", "gzip", size, f"md5:{md5}")


def series(name: str) -> PublishedSet:
    """A set of the UEA/UCR archive by its name there, for instance "JapaneseVowels".

    Raises:
        DataError: It is no such name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise DataError(
            given=f"data set 'uea:{name}'",
            rule="names of the UEA/UCR archive are letters and digits",
            remedy="Look the name up at https://www.timeseriesclassification.com.",
        )
    kept = rf"(.*/)?{re.escape(name)}_(TRAIN|TEST)\.ts"
    return PublishedSet(
        name=f"uea:{name}",
        kind="ts",
        what=f"{name} of the UEA/UCR archive of time series",
        licence="not stated by the archive; see the data set's page",
        cite="Bagnall et al.: The UEA multivariate time series classification archive, 2018, "
        "arXiv 1811.00075",
        files=(PublishedFile(f"{_SERIES}{name}.zip", "zip", wanted=kept),),
    )


SETS: Final[dict[str, PublishedSet]] = {
    found.name: found
    for found in (
        PublishedSet(
            "shd",
            "shd",
            "Spiking Heidelberg Digits: 8,156 training and 2,264 test items, 20 classes",
            "CC BY 4.0",
            _HEIDELBERG,
            (
                _spikes("shd_train", "f3252aeb598ac776c1b526422d90eecb"),
                _spikes("shd_test", "1503a5064faa34311c398fb0a1ed0a6f"),
            ),
        ),
        PublishedSet(
            "ssc",
            "ssc",
            "Spiking Speech Commands: 75,466 training, 9,981 validation, 20,382 test items, 35 classes",
            "CC BY 4.0",
            _HEIDELBERG,
            (
                _spikes("ssc_train", "d102be95e7144fcc0553d1f45ba94170"),
                _spikes("ssc_valid", "b4eee3516a4a90dd0c71a6ac23a8ae43"),
                _spikes("ssc_test", "a35ff1e9cffdd02a20eb850c17c37748"),
            ),
        ),
        PublishedSet(
            "speech-commands",
            "speech-commands",
            "Speech Commands v0.02: 105,829 recordings of 35 words",
            "CC BY 4.0",
            _COMMANDS,
            (
                PublishedFile(
                    f"{_SPOKEN}speech_commands_v0.02.tar.gz",
                    "tar",
                    2_428_923_189,
                    "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
                ),
            ),
        ),
        PublishedSet(
            "speech-commands-test",
            "folder",
            "The test archive of Speech Commands v0.02: ten words, _unknown_ and _silence_",
            "CC BY 4.0",
            _COMMANDS,
            (
                PublishedFile(
                    f"{_SPOKEN}speech_commands_test_set_v0.02.tar.gz",
                    "tar",
                    112_563_277,
                    "sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
                ),
            ),
        ),
        PublishedSet(
            "fsdd",
            "fsdd",
            "Free Spoken Digit Dataset v1.0.10: 3,000 recordings, ten digits, six speakers",
            "CC BY-SA 4.0",
            "Jackson et al.: Jakobovski/free-spoken-digit-dataset v1.0.10, "
            "doi:10.5281/zenodo.1342401",
            (
                PublishedFile(
                    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/"
                    "v1.0.10.tar.gz",
                    "tar",
                    strip=1,
                    wanted=r"recordings/[^/]*\.wav",
                ),
            ),
            root="recordings",
        ),
        PublishedSet(
            "mnist",
            "mnist",
            "MNIST: 60,000 training and 10,000 test images of digits",
            "not stated by its publishers",
            "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
            "recognition, Proc. IEEE 86(11), 1998",
            (
                _digits("train-images-idx3", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
                _digits("train-labels-idx1", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
                _digits("t10k-images-idx3", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
                _digits("t10k-labels-idx1", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
            ),
        ),
        PublishedSet(
            "cifar10",
            "cifar10",
            "CIFAR-10, binary version: 50,000 training and 10,000 test images, ten classes",
            "not stated by its publishers",
            "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009",
            (
                PublishedFile(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "tar",
                    170_052_171,
                    "md5:c32a1d4ab5d03f1284b67883e8d87530",
                    strip=1,
                    wanted=r"[^/]*\.(bin|txt)",
                ),
            ),
        ),
    )
}
"""By name; ``uea:NAME`` stands for any set of the UEA/UCR archive."""


def published(name: str) -> PublishedSet:
    """The data set of a name.

    Raises:
        DataError: There is none.

    Example:
        >>> published("mnist").kind, published("uea:JapaneseVowels").kind
        ('mnist', 'ts')
    """
    if name.startswith("uea:"):
        return series(name.removeprefix("uea:"))
    if name not in SETS:
        raise DataError(
            given=f"data set {name!r}",
            rule="it is none of those that can be fetched",
            remedy=f"Choose from {', '.join(SETS)}, or uea:NAME (for instance uea:JapaneseVowels).",
        )
    return SETS[name]
