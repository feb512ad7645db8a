"""Reading click-through logs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from services.training.ctr.click_logs import read_click_logs
from services.training.datasets import DatasetError
from services.training.ranking.registry import RANKERS
from shared.features import UserFeatureTransform

HEADER = "label,user,item,weekday,city\n"
FILES = {
    "train": HEADER + "1,10,70,1,30\n0,12,72,2,30\n1,10,72,2,33\n",
    "valid": HEADER + "0,12,70,1,33\n1,12,70,1,33\n",
    "test": HEADER + "1,11,71,2,30\n0,12,72,1,99\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three small files."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_item_is_the_candidate_and_the_rest_is_known_of_the_user(folder: Path) -> None:
    """With labels, in the order of the files, and nobody has a history."""
    found = read_click_logs(folder)
    assert [field.name for field in found.fields] == ["user", "weekday", "city"]
    assert [field.vocabulary for field in found.fields] == [("10", "12"), ("1", "2"), ("30", "33")]
    assert found.items == ("", "70", "72")
    assert found.train.candidates.tolist() == [1, 2, 2]
    assert found.train.labels.tolist() == [[1], [0], [1]]
    assert found.test.labels.tolist() == [[1], [0]]
    assert (found.valid.history == -1).all()


def test_user_features_are_those_that_serving_computes(folder: Path) -> None:
    """From the same attributes, by the transform of every service; what training never met is unknown."""
    found = read_click_logs(folder)
    transform = UserFeatureTransform(found.fields)
    attributes = [{"user": "11", "weekday": "2", "city": "30"}, {"user": "12", "weekday": "1", "city": "99"}]

    slots = found.test.user_features

    written = torch.zeros(2, found.shape.user_features).scatter_add(1, slots.columns, slots.values)
    np.testing.assert_array_equal(written.numpy(), transform.many(attributes))
    assert found.test.candidates.tolist() == [0, 2]


@pytest.mark.parametrize("name", ["mlp", "deepfm", "dcn_v2", "wide_deep", "fm"])
def test_what_is_fitted_with_slots_scores_the_same_as_it_is_served(folder: Path, name: str) -> None:
    """With one-hot user features."""
    found = read_click_logs(folder)
    torch.manual_seed(0)
    model = RANKERS[name].build(found.shape, RANKERS[name].config()).eval()
    slots = found.train.user_features
    one_hot = torch.zeros(3, found.shape.user_features).scatter_add(1, slots.columns, slots.values)

    with torch.no_grad():
        served = model(found.train.history, one_hot, found.train.candidates, torch.zeros(3, 0), torch.arange(3))
        fitted = found.train.score(model, found.item_features)

    torch.testing.assert_close(served, fitted)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("valid", None),
        ("train", "click,user,item\n1,2,3\n"),
        ("train", HEADER),
        ("train", "label,user,item,user\n1,2,3,4\n0,2,3,4\n"),
        ("train", ""),
        ("test", HEADER + "1,2,x,4,5\n0,2\n"),
        ("test", HEADER + "1,2,x,4,5\n2,2,x,4,5\n"),
        ("test", HEADER + "1,2,x,4,5\n"),
        ("test", "label,user,item,city,weekday\n1,10,70,30,1\n"),
    ],
)
def test_a_folder_without_such_logs_is_refused(folder: Path, name: str, text: str | None) -> None:
    """Whether a file is missing, lacks a column or has one twice, is empty or ragged, or has other columns or labels."""
    path = folder / f"{name}.csv"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError) as refused:
        read_click_logs(folder)
    assert refused.value.path == path
