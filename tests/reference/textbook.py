"""The S4D layer as papers write it down: every power of every mode, then an FFT (arXiv 2206.11893)."""

import torch
from torch import Tensor


def textbook_kernel(
    log_dt: Tensor, log_A_real: Tensor, A_imag: Tensor, C: Tensor, length: int
) -> Tensor:
    """K_l = 2 Re sum_n C_n (exp(dt A_n) - 1)/A_n exp(l dt A_n), (features, length).

    Args:
        log_dt: (features).
        log_A_real: log(-Re A), (features, modes).
        A_imag: (features, modes).
        C: (features, modes, 2), real and imaginary parts.
        length: Number of time steps.
    """
    A = torch.complex(-log_A_real.exp(), A_imag)
    exponent = A * log_dt.exp().unsqueeze(-1)
    weights = torch.view_as_complex(C) * (exponent.exp() - 1) / A
    powers = torch.exp(exponent.unsqueeze(-1) * torch.arange(length))
    return 2 * torch.einsum("hn,hnl->hl", weights, powers).real


def textbook_layer(
    u: Tensor, log_dt: Tensor, log_A_real: Tensor, A_imag: Tensor, C: Tensor, D: Tensor
) -> Tensor:
    """The output for u (batch, features, length), read after the update of the state."""
    length = u.shape[-1]
    response = textbook_kernel(log_dt, log_A_real, A_imag, C, length)
    spectrum = torch.fft.rfft(u, n=2 * length) * torch.fft.rfft(response, n=2 * length)
    convolved: Tensor = torch.fft.irfft(spectrum, n=2 * length)[..., :length]
    return convolved + D.unsqueeze(-1) * u
