"""Data sets for training: the value types, the loaders and the splits."""

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions, Sequences
from services.training.datasets.loading import load_dataset
from services.training.datasets.splits import Split, k_folds, leave_last_out, sample_unmet, split_by_time
from services.training.datasets.winnow_format import write_dataset

__all__ = [
    "Dataset",
    "DatasetError",
    "Interactions",
    "Item",
    "Sequences",
    "Split",
    "User",
    "k_folds",
    "leave_last_out",
    "load_dataset",
    "sample_unmet",
    "split_by_time",
    "write_dataset",
]
