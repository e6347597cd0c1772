"""One chip whose defects nobody knows: scanned, avoided, written, trimmed, fitted, and asked."""

import numpy as np

import imssa

stuck = ["chip.stuck.high_rate=0.03", "chip.stuck.low_rate=0.03"]
recipe = imssa.load_recipe("zero-one", ["layout=phased", *stuck])
features = imssa.load_features(recipe)
train, test = features.split.train, features.split.test
network = imssa.convert(imssa.quantize(recipe, imssa.train(recipe, features), features))

chip = imssa.SimulatedChip(recipe.chip, imssa.Key.root(0), instance=7)  # or a laboratory's
inputs = network.input_codes(test.features)


def told(name: str, program: imssa.Program) -> None:
    """The accuracy of a program that stands on the chip."""
    answers = imssa.execute(program, chip, inputs, test.lengths).answers
    print(f"{name}: {imssa.accuracy(answers, test.labels):.1%}")


blind = imssa.compile_network(network, recipe.chip, {}, recipe.layout)
imssa.write_program(blind, chip)
told("compiled for any chip", blind)

compiler = imssa.TailoredCompiler(network, recipe.chip, recipe.layout)
defects = imssa.scan(chip, recipe.chip)  # on a file: imssa.write_defect_map
deployed = imssa.deploy(compiler, chip, {})  # scans for itself, and writes
told(f"compiled for its {np.count_nonzero(defects.arrays)} bad cells", deployed.program)
trimmed = imssa.trim(compiler, deployed, chip).tailored
told("cells that did harm written again", trimmed.program)
calibration = imssa.Calibration.drawn(network, train, 5, imssa.Key.root(0))
fitted = imssa.recalibrate(trimmed.program, network, calibration.on(chip), calibration)
told("digital operations fitted to the chip", fitted.program)
