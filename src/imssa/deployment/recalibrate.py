"""Recalibration: the digital gains, offsets and read-out of a written chip, by least squares.

A written chip differs from the network by what writing, wires and amplifiers did to it. Some
labelled recordings are run on it, and from its registers the digital operations are set anew, layer
by layer, so that the registers that follow meet those of the integer network:

1. *updates of the states*: what each pair's ADC gave against what its weights ask for under the very
   codes that drove it; the ratio is the pair's gain, and the update's multiplier is divided by it;
2. *output of the kernels*: the multiplier under which a read-out comes nearest to the network's;
3. *mixing*: weights and bias by ridge regression on the network's sums (`imssa.deployment.ridge`);
4. *read-out* (decoder): the same, once a recording, on the network's logits.

Nothing is written to the arrays again, and nothing is trained: the integer network is the teacher.
"""

from dataclasses import dataclass

from imssa.deployment.calibration import Calibration, Runner
from imssa.deployment.fits import ALL_PARTS, Fit, Parts
from imssa.program.program import Program
from imssa.quantization.network import QuantizedNetwork, Record


@dataclass(frozen=True)
class RegisterError:
    """How far a register of the chip is from the network's, on the calibration recordings.

    Attributes:
        register: Its name.
        before: Root mean square of the difference as a share of the register's own.
        after: The same after recalibration.
    """

    register: str
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Recalibrated:
    """A program whose digital operations fit one chip.

    Attributes:
        program: The program; its arrays are the same as before.
        registers: Errors of the registers, in the order of the data.
        network_accuracy: Of the integer network on the calibration recordings.
        accuracy_before: Of the chip, before.
        accuracy_after: Of the chip, after.
    """

    program: Program
    registers: tuple[RegisterError, ...]
    network_accuracy: float
    accuracy_before: float
    accuracy_after: float


def recalibrate(
    program: Program,
    network: QuantizedNetwork,
    run: Runner,
    calibration: Calibration,
    parts: Parts = ALL_PARTS,
    wanted: Record | None = None,
) -> Recalibrated:
    """Sets the digital operations of a program for the chip to which it was written.

    Args:
        program: As it stands on the chip.
        network: The integer network that the chip is to meet.
        run: Runs programs on the calibration recordings, as of ``calibration.on(chip)``.
        calibration: The recordings.
        parts: What is set anew.
        wanted: Codes of the network on these recordings, where many chips share them; None: it is run.
    """
    if wanted is None:
        wanted = network.run(calibration.inputs, calibration.lengths)
    fit = Fit(network, wanted, run, calibration, parts)
    watched = tuple(name for name in wanted if wanted[name].ndim == 3 and name != "input")
    before = run(program, watched)
    new = program
    for layer in range(len(network.layers)):
        new = fit.updates(new, layer)
        new = fit.outputs(new, layer)
        new = fit.mixing(new, layer)
    new = fit.decoder(new)
    after = run(new, watched)
    labels = calibration.labels
    errors = [
        RegisterError(name, fit.error(before, name), fit.error(after, name))
        for name in (*watched, *({"mean"} & wanted.keys()))
    ]
    answers = (wanted["answer"][:, 0], before.answers, after.answers)
    return Recalibrated(new, tuple(errors), *(float((a == labels).mean()) for a in answers))
