"""What all tests of training share."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def one_thread_for_a_module() -> None:
    """For fixtures that a module shares, which come before those of a test."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_thread(one_thread_for_a_module: None) -> None:  # noqa: ARG001 - comes first
    """Whatever a job before set: sums are the same bit for bit only with the same number of threads."""
    torch.set_num_threads(1)
