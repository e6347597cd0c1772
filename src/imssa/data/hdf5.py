"""HDF5 files, read with care: a file may promise any size, and may point at other files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from imssa.data.hdf5_heaps import check_heaps
from imssa.data.hdf5_lists import lengths_said
from imssa.errors import DataError, MissingToolError

if TYPE_CHECKING:
    import h5py

GET_IT_ANEW: Final = "Write or get the file again."
LARGEST_RATIO: Final = 1100
"""Bytes that one stored byte can become under deflation (RFC 1951: 1032)."""
DAMAGED: Final = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, OverflowError),
    *(AttributeError, IndexError, NotImplementedError, SystemError),
)


@contextmanager
def opened(file: Path) -> Iterator["Hdf5File"]:
    """An HDF5 file, open for reading; what goes wrong inside names the file and the place.

    Raises:
        DataError: The file is missing or damaged.
        MissingToolError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingToolError(
            given=str(file), rule="HDF5 files are read by h5py", remedy="Run: pip install h5py"
        ) from error
    held = Hdf5File(file)
    try:
        check_heaps(file)
        with h5py.File(file, "r") as held.file:
            yield held
    except DAMAGED as error:
        held.refuse(f"the file is missing or damaged ({_short(error)})", error)


class Hdf5File:
    """An open file and the place in it that is being read.

    Args:
        path: For error messages.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, ""
        self.file: Any = None

    def refuse(self, rule: str, cause: BaseException | None = None) -> NoReturn:
        """Refuses what stands at the present place.

        Raises:
            DataError: Always.
        """
        given = f"{self.path}{self.place}"
        raise DataError(given=given, rule=rule, remedy=GET_IT_ANEW) from cause

    def at(self, place: str) -> None:
        """Notes what is being read, for instance "spikes/times, item 3"."""
        self.place = f", {place}"

    def dataset(self, name: str) -> "h5py.Dataset | None":
        """A data set that lies in this file and is no larger than it can be; None: not there.

        Raises:
            DataError: It lies elsewhere, is no data set, or promises more than the file holds.
        """
        import h5py

        self.at(name)
        group = self.file
        for part in name.split("/"):
            link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                self.refuse("it points at another place or file")
            group = group[part]
        if not isinstance(group, h5py.Dataset) or group.shape is None:
            self.refuse("it is no array")
        self._check_size(group)
        return group

    def _check_size(self, found: "h5py.Dataset") -> None:
        if found.is_virtual or found.external:
            self.refuse("its values lie in another file")
        promised = max(found.dtype.itemsize, 1)
        for axis in found.shape:
            promised *= axis
        stored = found.id.get_storage_size()
        limit = min(stored, self.path.stat().st_size)
        if promised > (LARGEST_RATIO if found.chunks else 1) * limit + 4096:
            rule = f"it promises {promised} bytes, and {stored} are stored"
            self.refuse(rule)
        self._check_lists(found)

    def _check_lists(self, found: "h5py.Dataset") -> None:
        """Lists and words of any length together are no larger than the file."""
        import h5py

        values = h5py.check_vlen_dtype(found.dtype)
        width = 1 if h5py.check_string_dtype(found.dtype) else values and values.itemsize
        if found.dtype.kind != "O" or width is None:
            return
        said = int(lengths_said(found, self.path).sum()) * width
        if said > self.path.stat().st_size:
            self.refuse(f"its lists promise {said} bytes, more than the file has")

    def need(self, name: str, n_axes: int, kinds: str) -> "h5py.Dataset":
        """A data set of a number of axes and of a kind of values; see ``dataset``.

        Args:
            name: Its path in the file.
            n_axes: Of its shape.
            kinds: NumPy's letters, for instance "iu" for integers; "O" for lists and words.
        """
        found = self.dataset(name)
        if found is None:
            self.refuse("it is not in the file")
        if len(found.shape) != n_axes or found.dtype.kind not in kinds:
            rule = f"it has the shape {found.shape} and the type {found.dtype}, which do not fit"
            self.refuse(rule)
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words."""
        found = self.need(name, 1, "SOU")[()]
        return tuple(
            word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
            for word in np.asarray(found).tolist()
        )


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
