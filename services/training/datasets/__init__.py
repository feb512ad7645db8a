"""Data sets for training: the value types, the loaders and the time-ordered split."""

from services.training.datasets.dataset import Dataset, Item, User
from services.training.datasets.errors import DatasetError
from services.training.datasets.interactions import Interactions, Sequences

__all__ = ["Dataset", "DatasetError", "Interactions", "Item", "Sequences", "User"]
