"""What every test runs under: one thread, property tests that repeat."""

import hypothesis
import pytest
import torch

hypothesis.settings.register_profile("imssa", deadline=None, derandomize=True)
hypothesis.settings.load_profile("imssa")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
