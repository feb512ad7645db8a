"""Random numbers of losses, where several processes must make the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class LossDraws:
    """A stream of torch's global generators for the losses of an epoch, beside the one that its batches are drawn from.

    Every process draws all batches, and must draw the same ones. A loss draws as much as its part of a batch needs, for
    dropout or negatives: out of the same stream, this would change the batches after it.

    Args:
        seed: 64 bits of it; a CUDA generator, which batches never draw from, begins with it too.
    """

    def __init__(self, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._state = torch.get_rng_state()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Draws from this stream inside, and goes on with the other one after it."""
        batches = torch.get_rng_state()
        torch.set_rng_state(self._state)
        try:
            yield
        finally:
            self._state = torch.get_rng_state()
            torch.set_rng_state(batches)
