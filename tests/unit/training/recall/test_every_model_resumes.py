"""What holds for every recall model that is interrupted."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from services.training.optimisation import Epoch
from services.training.progress import Silence
from services.training.recall.model import FitContext, RecallModel
from services.training.recall.registry import RECALL_MODELS
from services.training.runs.run import Run
from services.training.sequence.windows import pad_histories
from tests.unit.training.parallel.fits import MAX_HISTORY, recall_data
from tests.unit.training.recall.fitted import QUICK

#: Epochs to be interrupted between, and batches whose order matters.
SEVERAL = {"epochs": 3, "batch": 32}


class Interrupted(Exception):
    """The process was asked to stop."""


def interrupt(stage: str, number: int, epoch: Epoch) -> None:  # noqa: ARG001 - the signature of Run.watch
    """Ends the fit after its first epoch."""
    raise Interrupted


def fit(name: str, run: Run | None = None) -> RecallModel:
    """Fits a model, to be resumed where there is a run."""
    family = RECALL_MODELS[name]
    several = {knob: value for knob, value in SEVERAL.items() if knob in family.config.model_fields}
    config = family.config(**{**QUICK.get(name, {}), **several})
    return family.fit(recall_data(), config, FitContext(0, MAX_HISTORY, 1, Silence(), run))


def queries(model: RecallModel) -> Tensor:
    """What the model's encoder makes of everybody, and of a stranger."""
    asked = recall_data().validation
    history = pad_histories((*asked.histories, np.empty(0, dtype=np.int32)), MAX_HISTORY)
    features = torch.as_tensor(recall_data().user_features[asked.users])
    with torch.inference_mode():
        found: Tensor = model.encoder(
            torch.as_tensor(history), torch.cat([features, torch.zeros(1, features.shape[1])])
        )
    return found


@pytest.mark.parametrize("name", RECALL_MODELS)
def test_an_interrupted_model_ends_as_one_that_was_not(name: str, tmp_path: Path) -> None:
    """Bit for bit: equal seeds give equal models, and nothing depends on an epoch that another process has seen."""
    said: list[str] = []
    with contextlib.suppress(Interrupted):  # what is solved in closed form has no epoch to end it after
        fit(name, Run(tmp_path, "data", watch=interrupt))

    resumed = fit(name, Run(tmp_path, "data", said.append))

    whole = fit(name)
    assert [words.partition(": ")[2] for words in said] == (["resumes after epoch 1"] if whole.epochs else [])
    assert resumed.epochs == whole.epochs
    np.testing.assert_array_equal(resumed.item_vectors, whole.item_vectors)
    assert torch.equal(queries(resumed), queries(whole))
