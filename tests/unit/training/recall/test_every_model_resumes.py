"""What holds for every recall model that is interrupted."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch

from services.training.optimisation import Epoch
from services.training.progress import Silence
from services.training.recall.model import FitContext
from services.training.recall.registry import RECALL_MODELS
from services.training.runs.run import Run
from tests.unit.training.recall.fitted import MAX_HISTORY, QUICK, fitted, questions, recall_data


class Interrupted(Exception):
    """The process was asked to stop."""


def interrupt(stage: str, number: int, epoch: Epoch) -> None:  # noqa: ARG001 - the signature of Run.watch
    """Ends the fit after its first epoch."""
    raise Interrupted


@pytest.mark.parametrize("name", RECALL_MODELS)
def test_an_interrupted_model_ends_as_one_that_was_not(name: str, tmp_path: Path) -> None:
    """Bit for bit: equal seeds give equal models, and nothing depends on an epoch that another process has seen."""
    family, config = RECALL_MODELS[name], RECALL_MODELS[name].config(**QUICK.get(name, {}))
    said: list[str] = []
    with contextlib.suppress(Interrupted):  # what is solved in closed form has no epoch to end it after
        context = FitContext(0, MAX_HISTORY, 1, Silence(), Run(tmp_path, "data", watch=interrupt))
        family.fit(recall_data(), config, context)

    context = FitContext(0, MAX_HISTORY, 1, Silence(), Run(tmp_path, "data", said.append))
    resumed = family.fit(recall_data(), config, context)

    assert [words.partition(": ")[2] for words in said] == (["resumes after epoch 1"] if resumed.epochs else [])
    assert resumed.epochs == fitted(name).epochs
    np.testing.assert_array_equal(resumed.item_vectors, fitted(name).item_vectors)
    with torch.inference_mode():
        assert torch.equal(resumed.encoder(*questions()), fitted(name).encoder(*questions()))
