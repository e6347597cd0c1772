"""The inner ear as its equations stand, in float64, one step after the other."""

import numpy as np

from imssa.ear import EarConfig, bandwidth_hertz, centre_frequencies


def impulse_responses(config: EarConfig, rate_hertz: int, length: int) -> np.ndarray:
    """t^3 exp(-2 pi b t) cos(2 pi f t) of each channel, with gain 1 at f; (channels, length)."""
    f = centre_frequencies(config)[:, None]
    t = np.arange(length) / rate_hertz
    decay = 2 * np.pi * 1.019 * bandwidth_hertz(centre_frequencies(config))[:, None]
    plain = t**3 * np.exp(-decay * t) * np.cos(2 * np.pi * f * t)
    gain = np.abs((plain * np.exp(-2j * np.pi * f * t)).sum(axis=1, keepdims=True))
    return np.asarray(plain / gain)


def events(samples: np.ndarray, rate_hertz: int, config: EarConfig) -> list[tuple[int, int]]:
    """(step, channel) of every spike."""
    responses = impulse_responses(config, rate_hertz, len(samples))
    filtered = [np.convolve(samples, h)[: len(samples)] for h in responses]
    dt = 1 / rate_hertz
    keep = {
        name: np.exp(-dt / getattr(config, f"{name}_seconds"))
        for name in ("hair_cell", "membrane", "adaptation")
    }
    rest_steps = round(config.refractory_seconds * rate_hertz)
    found = []
    for channel, y in enumerate(filtered):
        hair = membrane = raised = 0.0
        rest = 0
        for step, value in enumerate(y):
            target = config.drive * max(value, 0.0) ** config.exponent
            hair = target + keep["hair_cell"] * (hair - target)
            membrane = hair + keep["membrane"] * (membrane - hair)
            raised *= keep["adaptation"]
            if rest > 0:
                membrane, rest = 0.0, rest - 1
            if membrane >= 1 + raised:
                found.append((step, channel))
                membrane, rest = 0.0, rest_steps
                raised += config.adaptation
    return sorted(found)
