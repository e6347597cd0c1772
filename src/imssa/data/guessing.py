"""Which format a folder or file of the user's is in, and who is heard, by the names of what lies there."""

import re
from pathlib import Path

from imssa.data.config import DataConfig
from imssa.data.folder import ENDINGS, audio_files, other_sound, sub_folders
from imssa.data.loading import open_source
from imssa.data.sources import Source
from imssa.data.speaker_names import speaker_pattern
from imssa.data.speech_commands import WORDS
from imssa.errors import DataError

_DIGITS = re.compile(r"[0-9]_[a-z]+_[0-9]+\.wav")


def guessed_kind(root: Path) -> str:
    """The kind of a folder or file, a key of ``imssa.data.KINDS``.

    Raises:
        DataError: It is not there, or it is in no known format.
    """
    try:
        found = _of_folder(root) if root.is_dir() else _of_file(root)
        other = None if found or not root.is_dir() else _other_sound(root)
    except OSError as error:
        rule = f"it cannot be read ({error.strerror})"
        raise DataError(given=str(root), rule=rule, remedy="Check the path.") from error
    if other is not None:
        raise DataError(
            given=str(root),
            rule=f"its sound, for instance {other.relative_to(root)}, is of a kind that is not read",
            remedy=f"Convert it to {', '.join(ENDINGS)}, in a sub-folder for each class.",
        )
    if found is None:
        raise DataError(
            given=str(root),
            rule="it is in no format that shows by the names of its files",
            remedy="Name the format by --kind; `imssa data list` shows them.",
        )
    return found


def with_speakers(config: DataConfig) -> DataConfig:
    """The same data; speakers of a folder of recordings by the names of the files, where all tell.

    Raises:
        DataError: The folder cannot be used.
    """
    if config.kind != "folder" or config.speaker_pattern is not None:
        return config
    pattern = speaker_pattern(class_and_file(open_source(config)))
    return config.model_copy(update={"speaker_pattern": pattern})


def class_and_file(source: Source) -> list[tuple[str, str]]:
    """Class and file name of each recording of a folder."""
    return [(item.label, item.name.partition("/")[2]) for item in source.items]


def _of_file(root: Path) -> str | None:
    if not root.exists():
        raise DataError(given=str(root), rule="there is no such path", remedy="Check the path.")
    if root.name == "mnist.npz":
        return "mnist"
    ending = root.suffix.lower()
    if ending in {".h5", ".hdf5"}:
        return "spikes" if _has_spikes(root) else "arrays"
    return {".npz": "arrays", ".ts": "ts"}.get(ending)


def _has_spikes(file: Path) -> bool:
    from imssa.data.hdf5 import opened

    with opened(file) as held:
        return held.dataset("spikes/times") is not None


def _of_folder(root: Path) -> str | None:
    names = {f.name for f in root.iterdir() if f.is_file()}
    for kind, pattern in (
        ("mnist", r"mnist\.npz|train-images[-.]idx3-ubyte(\.gz)?"),
        ("cifar10", r"data_batch_1\.bin"),
        ("ts", r".*_TRAIN\.ts"),
        ("shd", r"shd_train\.h5"),
        ("ssc", r"ssc_train\.h5"),
        ("spikes", r".*_train\.h(df)?5"),
        ("arrays", r"x(_train)?\.npy"),
    ):
        if any(re.fullmatch(pattern, name, re.IGNORECASE) for name in names):
            return kind
    if any(_DIGITS.fullmatch(name) for name in names):
        return "fsdd"
    return _of_words(root)


def _other_sound(root: Path) -> Path | None:
    """A file of sound that is not read, in a folder or a sub-folder."""
    return next(filter(None, map(other_sound, (root, *sub_folders(root)))), None)


def _of_words(root: Path) -> str | None:
    """Folders of recordings, one a class."""
    files = [file for folder in sub_folders(root) for file in audio_files(folder)]
    if not files:
        return None
    # Most names decide: a stray file is then refused by name. As a mere folder, its speakers would mix.
    named = sum("_nohash_" in file.name and file.suffix == ENDINGS[0] for file in files)
    words = all(file.parent.name in WORDS for file in files)
    return "speech-commands" if words and named > len(files) / 2 else "folder"
