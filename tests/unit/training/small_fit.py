"""A small model with everything that a resumed fit could get wrong: dropout, batch statistics, shuffling and momentum.

`python -m tests.unit.training.small_fit RUN RESULT [EPOCH]` fits it with checkpoints in RUN and writes its parameters to
RESULT; with an EPOCH it says "waiting" in the middle of that one and goes no further.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from services.training.fitting import DescentConfig, fit_epochs
from services.training.optimisation import Epoch, epoch_rng
from services.training.progress import Silence
from services.training.recall.model import FitContext
from services.training.runs.run import Run, open_run

EXAMPLES = 60
CONFIG = DescentConfig(epochs=8, patience=8, batch=10, learning_rate=0.05, weight_decay=0.01)


def small_fit(
    run: Run | None, *, config: DescentConfig = CONFIG, wait_in: int = -1, seed: int = 0, shift: float = 0.0
) -> tuple[dict[str, Tensor], tuple[Epoch, ...]]:
    """Fits the model; returns its state and what the epochs gave.

    Args:
        run: Where to keep checkpoints.
        config: Rates and limits.
        wait_in: Number of the epoch in whose middle to wait for ever.
        seed: Of the model and the fit.
        shift: Added to each initial weight of the last layer.
    """
    torch.manual_seed(seed)
    last = nn.Linear(8, 1)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), last)
    last.weight.data += shift
    frozen = nn.Parameter(torch.ones(5), requires_grad=False)
    model.register_parameter("frozen", frozen)
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(EXAMPLES, 3, generator=generator)
    targets = inputs.sum(dim=1, keepdim=True)
    begun: list[None] = []

    def batches() -> Iterator[Tensor]:
        order = torch.as_tensor(epoch_rng().permutation(EXAMPLES))
        for place, rows in enumerate(torch.split(order[torch.randperm(EXAMPLES)], config.batch)):
            if len(begun) == wait_in and place == 3:
                print("waiting", flush=True)  # noqa: T201 - whoever started this process reads it
                sys.stdin.read()
            yield rows
        begun.append(None)

    def loss(rows: Tensor) -> Tensor:
        mean: Tensor = ((model(inputs[rows]) - targets[rows]) ** 2).mean()
        return mean

    def judge() -> float:
        with torch.inference_mode():
            return 1.0 / (1.0 + float(((model(inputs) - targets) ** 2).mean()))

    context = FitContext(seed=seed, max_history=1, threads=1, display=Silence(), run=run)
    epochs = fit_epochs(
        model, name="fit small", batches=batches, steps=6, loss=loss, judge=judge, config=config, context=context
    )
    return model.state_dict(), epochs


def main(run_folder: str, result: str, wait_in: str = "-1") -> None:
    """Fits the model and writes its parameters."""
    torch.set_num_threads(1)
    with open_run(Path(run_folder), "data", say=lambda words: print(words, flush=True)) as run:  # noqa: T201
        state, _ = small_fit(run, wait_in=int(wait_in))
    torch.save(state, result)


if __name__ == "__main__":
    main(*sys.argv[1:])
