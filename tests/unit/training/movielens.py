"""MovieLens 100K, for tests on machines that have a copy of it."""

from functools import cache
from pathlib import Path

import pytest

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, load_dataset
from services.training.holdout import Holdout
from services.training.models import Features, fit_features

_FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "ml-100k"

#: Last training events of each user that recall leaves to a ranker.
RESERVED = 3
MAX_HISTORY = 50


def movielens() -> Dataset:
    """Returns the data set; skips the test where there is none."""
    if not (_FOLDER / "ml-100k.inter").is_file():
        pytest.skip("needs a copy of the data set in ../shared/data/ml-100k, which is not part of the project")
    return _read()


@cache
def _read() -> Dataset:
    return load_dataset(_FOLDER)


@cache
def holdout() -> Holdout:
    """Its last events, to be asked about."""
    return Holdout.of(movielens().histories(), RESERVED)


@cache
def features() -> Features:
    """The features of users and films."""
    return fit_features(movielens(), holdout(), TrainingConfig())
