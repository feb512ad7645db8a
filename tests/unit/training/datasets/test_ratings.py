"""Reading stars."""

from pathlib import Path

import numpy as np
import pytest

from services.training.datasets import DatasetError
from services.training.datasets.ratings import read_ratings

HEADER = "user_id:token\titem_id:token\trating:float\n"


def test_ratings_name_dense_rows_of_users_and_items(tmp_path: Path) -> None:
    """Whatever the ids are, and whatever the file is called."""
    (tmp_path / "mine.inter").write_text(HEADER + "u2\tx\t4.5\nu1\tx\t1\nu2\ty\t3\n")
    ratings = read_ratings(tmp_path)
    assert (ratings.num_users, ratings.num_items, len(ratings)) == (2, 2, 3)
    assert ratings.users.tolist() == [1, 0, 1]
    assert ratings.items.tolist() == [0, 0, 1]
    assert ratings.values.tolist() == [4.5, 1.0, 3.0]
    assert ratings.take(np.flatnonzero(ratings.users == 1)).values.tolist() == [4.5, 3.0]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "0 files of the form NAME.inter"),
        ({"a.inter": HEADER, "b.inter": HEADER}, "2 files of the form NAME.inter"),
        ({"a.inter": "user_id:token\titem_id:token\n"}, "the header lacks rating"),
        ({"a.inter": HEADER}, "there are no ratings"),
        ({"a.inter": HEADER + "1\t2\tgood\n"}, r"a.inter:2: rating is 'good', not a number"),
    ],
)
def test_a_folder_without_ratings_is_told_what_it_lacks(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    """With the place."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=problem):
        read_ratings(tmp_path)
