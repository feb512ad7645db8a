"""MovieLens 100K, for tests on machines that have a copy of it."""

from functools import cache
from pathlib import Path

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, load_dataset
from services.training.holdout import Holdout
from services.training.models import Features, fit_features
from tests.published_data import published

#: Last training events of each user that recall leaves to a ranker.
RESERVED = 3
MAX_HISTORY = 50


def movielens() -> Dataset:
    """Returns the data set; skips the test where there is none."""
    return _read(published("ml-100k", "ml-100k.inter"))


@cache
def _read(folder: Path) -> Dataset:
    return load_dataset(folder)


@cache
def holdout() -> Holdout:
    """Its last events, to be asked about."""
    return Holdout.of(movielens().histories(), RESERVED)


@cache
def features() -> Features:
    """The features of users and films."""
    return fit_features(movielens(), holdout(), TrainingConfig())
