"""CIFAR-10 as sequences of 1,024 pixels of three colours, from its binary version.

Each record has 3,073 bytes: the class, then 1,024 bytes each of red, green and blue, row by row.
``data_batch_1.bin`` to ``data_batch_5.bin`` are the training part, ``test_batch.bin`` the test part.
The pickled "python version" is not read: unpickling runs whatever a file says.

Source: A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html, section "Binary version".
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from imssa.data.sequence_source import SequenceSource
from imssa.data.sources import DataFormat, Item, Request, chosen_classes, require_root
from imssa.errors import DataError

CLASSES: Final = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
PIXELS: Final = 1024
RECORD: Final = 1 + 3 * PIXELS
WHERE: Final = "https://www.cs.toronto.edu/~kriz/cifar.html, the binary version"
GET_IT: Final = (
    f"Name the folder that holds data_batch_1.bin to test_batch.bin; get them from {WHERE}."
)
FILES: Final = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}


def read_batch(file: Path) -> UInt8[np.ndarray, "images 3073"]:
    """The records of one file.

    Raises:
        DataError: Missing, empty, not a whole number of records, or a class that there is not.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        rule = f"it cannot be read ({error.strerror})"
        raise DataError(given=str(file), rule=rule, remedy=GET_IT) from error
    if not content or len(content) % RECORD:
        rule = f"its {len(content)} bytes are no whole number of records of {RECORD}"
        raise DataError(given=str(file), rule=rule, remedy=GET_IT)
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    wrong = np.flatnonzero(records[:, 0] >= len(CLASSES))
    if wrong.size:
        given = f"{file}, record {wrong[0]}"
        rule = f"its class is {records[wrong[0], 0]}, and there are {len(CLASSES)}"
        raise DataError(given=given, rule=rule, remedy=GET_IT)
    return records


def open_cifar10(request: Request) -> SequenceSource:
    """Training and test images as sequences of shape (1024, 3), 0 to 1.

    Raises:
        DataError: Files are missing or damaged.
    """
    root = require_root(request.root, GET_IT, folder=True)
    classes = chosen_classes(CLASSES, request.words, str(root))
    wanted = np.array([name in classes for name in CLASSES])
    values, items = [], list[Item]()
    for part, names in FILES.items():
        records = np.concatenate([read_batch(root / name) for name in names])
        rows = np.flatnonzero(wanted[records[:, 0]])
        values.append(records[rows, 1:].reshape(-1, 3, PIXELS).transpose(0, 2, 1))
        items += [
            Item(f"{part}-{row}", CLASSES[records[row, 0]], take=row, part=part)
            for row in rows.tolist()
        ]
    return SequenceSource(np.concatenate(values), tuple(items), classes, 1 / 255)


FORMAT: Final = DataFormat(
    kind="cifar10",
    corpus="CIFAR-10",
    words=CLASSES,
    needs_root=True,
    front_ends=("none",),
    splits=("official", "hash"),
    open=open_cifar10,
    licence="not stated by its publishers",
    where=WHERE,
)
