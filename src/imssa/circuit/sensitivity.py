"""How bit-line currents answer to small changes of single devices: read noise with wires on.

To first order (Tellegen), the current of bit line j changes with device (k, l) by

    dI_j / dG_kl = v_kl * line_kl(j),

v_kl the voltage across the device under the drive, line_kl(j) the voltage across it for one volt at
the reading ends of bit line j with all drivers at 0 V. Without wires v_kl is the drive V_k, and
line_kl(j) is 1 for l = j and else 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.back import voltages
from imssa.circuit.segments import (
    Segments,
    checked_conductance,
    checked_values,
    segments_of_instances,
)
from imssa.circuit.transfer import in_threads
from imssa.circuit.wires import Wires
from imssa.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """Device voltages for unit drives, and for unit voltages at the reading ends.

    Attributes:
        drive: Voltage across device (k, l) for one volt on word line i,
            (..., word_lines i, word_lines k, bit_lines l).
        line: Voltage across device (k, l), bit line over word line, for one volt at bit line j's
            ends, (..., bit_lines j, word_lines k, bit_lines l).
    """

    drive: Float64[np.ndarray, "*batch word_lines word_lines bit_lines"]
    line: Float64[np.ndarray, "*batch bit_lines word_lines bit_lines"]

    def current_gradient(self, drive_volt: NDArray[Any]) -> Floats:
        """dI_j / dG_kl in ampere per siemens, (..., bit_lines j, word_lines k, bit_lines l).

        Args:
            drive_volt: Word-line voltages, (..., word_lines), one drive for each instance.
        """
        gradient: Floats = self._device_volt(drive_volt)[..., None, :, :] * self.line
        return gradient

    def current_variance(
        self,
        drive_volt: NDArray[Any],
        device_variance: NDArray[Any],
        pairs: NDArray[Any] | None = None,
    ) -> Floats:
        """Variance of bit-line currents, or of pair differences, for independent devices.

        First order in the change of conductance: sum over devices of (v_kl line_kl)^2 times the
        device's variance, line_kl being line_kl(plus) - line_kl(minus) for a pair.

        Args:
            drive_volt: Word-line voltages, (..., word_lines); leading axes as the instances'.
            device_variance: Of each conductance, (..., word_lines, bit_lines), in siemens squared.
            pairs: Bit lines (plus, minus) of each pair, (pairs, 2); single bit lines if None.

        Returns:
            In ampere squared, (..., bit_lines) or (..., pairs).

        Raises:
            ShapeError: What does not fit the array, or a negative variance.
        """
        weight = self._weights(device_variance, pairs)
        squared = self._device_volt(drive_volt) ** 2
        variance: Floats = np.einsum("...kl,...jkl->...j", squared, weight)
        return variance

    def variance_matrix(
        self,
        device_variance: NDArray[Any],
        pairs: NDArray[Any] | None = None,
        gains: NDArray[Any] | None = None,
    ) -> Floats:
        """W with variance of currents about ``voltages**2 @ W``: one more product per read.

        W_ij is the exact variance for one volt on word line i alone, noise of devices on idle lines
        that float included. Exact for one driven line, and without bit-line resistance where lines
        are at 0 V; exact on average over drives of independent signs, since what is left out are
        products of two lines' voltages. The folder's README says how far it goes.

        Args:
            device_variance: Of each conductance, (..., word_lines, bit_lines), in siemens squared.
            pairs: Bit lines (plus, minus) of each pair, (pairs, 2); single bit lines if None.
            gains: What the currents of these two lines are multiplied by, (pairs, 2); one if None.

        Returns:
            In siemens squared, (..., word_lines, bit_lines) or (..., word_lines, pairs).

        Raises:
            ShapeError: What does not fit the array, or a negative variance.
        """
        weight = self._weights(device_variance, pairs, gains)
        matrix: Floats = np.einsum("...ikl,...jkl->...ij", self.drive**2, weight)
        return matrix

    def _device_volt(self, drive_volt: NDArray[Any]) -> Floats:
        drive = checked_values("drive", drive_volt, (self.drive.shape[-2],))
        device: Floats = np.einsum("...i,...ikl->...kl", drive, self.drive)
        return device

    def _weights(
        self,
        device_variance: NDArray[Any],
        pairs: NDArray[Any] | None,
        gains: NDArray[Any] | None = None,
    ) -> Floats:
        """Squared line sensitivities times the devices' variances, (..., outputs, k, l)."""
        shape = (self.line.shape[-2], self.line.shape[-1])
        variance = checked_values("device variance", device_variance, shape)
        if (variance < 0).any():
            raise ShapeError(
                given=f"device variance with {int((variance < 0).sum())} negative values",
                rule="a variance is at least 0",
                remedy="Hand in squares of standard deviations",
            )
        line = self.line
        if pairs is not None:
            plus, minus = _checked_pairs(pairs, shape[1])
            of_plus, of_minus = np.ones((2, len(plus))) if gains is None else gains.T
            even, odd = line[..., plus, :, :], line[..., minus, :, :]
            line = of_plus[:, None, None] * even - of_minus[:, None, None] * odd
        return line**2 * variance[..., None, :, :]


def sensitivities(
    conductance_siemens: NDArray[Any],
    wires: Wires | Sequence[Wires],
    *,
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
    workers: int = 1,
) -> Sensitivities:
    """All that is needed for first-order changes of bit-line currents.

    Arguments and errors are those of ``transfer_matrix``. The result is large: an array of 64x64
    takes 4 MB, one of 128x128 takes 34 MB.

    Example:
        >>> from imssa.circuit.wires import Wires
        >>> devices = np.full((2, 3), 1e-4)
        >>> found = sensitivities(devices, Wires())
        >>> found.current_gradient(np.array([0.2, 0.1]))[1].round(6).tolist()
        [[0.0, 0.2, 0.0], [0.0, 0.1, 0.0]]
    """
    conductance = checked_conductance(conductance_siemens)
    batch, shape = conductance.shape[:-2], conductance.shape[-2:]
    segments = segments_of_instances(wires, conductance.shape, driven, read)
    instances = list(zip(conductance.reshape(-1, *shape), segments, strict=True))
    solved = in_threads(lambda item: _both_sides(*item), instances, workers)
    drive, line = (np.array(side) for side in zip(*solved, strict=True))
    return Sensitivities(
        drive.reshape(*batch, *drive.shape[1:]), line.reshape(*batch, *line.shape[1:])
    )


def _both_sides(conductance: Floats, segments: Segments) -> tuple[Floats, Floats]:
    """Device voltages for unit drives, (i, k, l), and for unit reading ends, (j, k, l)."""
    word_lines, bit_lines = conductance.shape
    row_ohm, column_ohm = segments
    word, bit = voltages(conductance, row_ohm, column_ohm, np.eye(word_lines))
    turned = np.ascontiguousarray(conductance.T)
    turned_row, turned_column = column_ohm.T.copy(), row_ohm.T.copy()
    far, near = voltages(turned, turned_row, turned_column, np.eye(bit_lines))
    return np.moveaxis(word - bit, -1, 0), np.moveaxis(far - near, -1, 0).swapaxes(1, 2)


def _checked_pairs(
    pairs: NDArray[Any], bit_lines: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    lines = np.asarray(pairs)
    whole = lines.dtype.kind in "iu"
    if lines.ndim != 2 or lines.shape[1] != 2 or not whole or not _inside(lines, bit_lines):
        raise ShapeError(
            given=f"pairs of shape {lines.shape} and type {lines.dtype}",
            rule=f"a pair names its plus and its minus bit line, each from 0 to {bit_lines - 1}",
            remedy="Hand in whole numbers of shape (pairs, 2)",
        )
    return lines[:, 0].astype(np.intp), lines[:, 1].astype(np.intp)


def _inside(lines: NDArray[Any], bit_lines: int) -> bool:
    return bool(((lines >= 0) & (lines < bit_lines)).all())
