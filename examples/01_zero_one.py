"""Spoken "zero" and "one", from recordings to the answers of 20 simulated chips."""

from pathlib import Path

import numpy as np

import imssa

recipe = imssa.load_recipe("zero-one")
features = imssa.load_features(recipe)
test = features.split.test

model = imssa.train(recipe, features)
network = imssa.convert(imssa.quantize(recipe, model, features))
program = imssa.compile_network(network, recipe.chip, {})
imssa.save_program(program, Path("zero-one.safetensors"))

inputs = network.input_codes(test.features)
for name, chip in (("ideal chip", recipe.chip.only()), ("taox-64", recipe.chip)):
    trace = imssa.simulate(program, chip, imssa.Key.root(0), np.arange(20), inputs, test.lengths)
    chips = [imssa.accuracy(answers, test.labels) for answers in trace.answers]
    print(f"{name}: {np.mean(chips):.1%} on average, {min(chips):.1%} on the worst of 20 chips")
