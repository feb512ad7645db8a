"""Fitting models to clicks."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from services.training.ctr.click_logs import ClickLogs, read_click_logs
from services.training.ctr.model import ClickModel
from services.training.ctr.registry import CLICK_MODELS
from services.training.metrics import auc
from services.training.progress import Silence
from services.training.ranking.registry import RANKERS
from services.training.recall.model import FitContext
from tests.unit.training.ctr.folders import clicks_folder

# For a few rows: the settings are those of real logs, but for size and pace.
SMALL = {"batch": 128, "epochs": 6, "learning_rate": 0.02, "embedding_penalty": 1e-5, "hidden": (16,)}
BASELINES = {"click_rate", "logistic"}


def fit(name: str, folder: Path, **settings: object) -> tuple[ClickLogs, ClickModel]:
    """A fitted model, with what it was fitted to."""
    family, logs = CLICK_MODELS[name], read_click_logs(folder)
    context = FitContext(seed=0, max_history=1, threads=1, display=Silence())
    return logs, family.fit(logs, family.config(**{**family.settings, **settings}), context)


def small(name: str) -> dict[str, object]:
    """What a model has of the small settings."""
    known = CLICK_MODELS[name].config.model_fields
    return {setting: value for setting, value in SMALL.items() if setting in known}


@pytest.mark.parametrize("name", [name for name in CLICK_MODELS if name not in BASELINES])
def test_a_ranking_model_predicts_clicks_that_neither_item_nor_context_alone_explains(
    name: str, tmp_path: Path
) -> None:
    """An item is taken on one of two weekdays: the logistic regression can do no better than chance."""
    logs, model = fit(name, clicks_folder(tmp_path), **small(name))
    clicked = logs.test.labels[:, 0].numpy().astype(bool)
    assert auc(clicked, model.log_odds(logs.test)) > 0.97
    assert 1 <= len(model.epochs) <= 6
    assert model.numbers > 100

    _, logistic = fit("logistic", tmp_path, **small("logistic"))
    assert auc(clicked, logistic.log_odds(logs.test)) < 0.6


def test_the_rate_of_an_item_is_counted(tmp_path: Path) -> None:
    """With a prior of one average row; an item that training never met has the rate of all rows."""
    rows = {
        "train": ["1,7,a", "0,7,b", "1,7,a", "0,8,b", "0,8,b"],
        "valid": ["1,7,a", "0,8,a"],
        "test": ["1,7,a", "0,8,a", "0,99,b"],
    }
    for split, lines in rows.items():
        (tmp_path / f"{split}.csv").write_text("\n".join(["label,item,mood", *lines]) + "\n", encoding="utf-8")
    logs, model = fit("click_rate", tmp_path)
    assert expit(model.log_odds(logs.test)) == pytest.approx([2.4 / 4, 0.4 / 3, 0.4], rel=1e-5)
    assert model.numbers == 3
    assert model.epochs == ()


def test_a_logistic_regression_learns_what_each_column_says(tmp_path: Path) -> None:
    """And nothing of pairs: the log-odds of two columns add up."""
    rng = np.random.default_rng(0)
    for split, rows in (("train", 3000), ("valid", 400), ("test", 400)):
        item, mood = rng.integers(4, size=rows), rng.integers(3, size=rows)
        label = rng.random(rows) < expit(item - 1.5 + 2.0 * (mood - 1))
        lines = [f"{int(one)},{which},{how}" for one, which, how in zip(label, item, mood, strict=True)]
        (tmp_path / f"{split}.csv").write_text("\n".join(["label,item,mood", *lines]) + "\n", encoding="utf-8")
    settings = {"batch": 300, "epochs": 20, "patience": 20, "learning_rate": 0.1, "embedding_penalty": 0.0}
    logs, model = fit("logistic", tmp_path, **settings)
    odds = model.log_odds(logs.test)
    of = {
        (int(item), int(mood)): float(one)
        for item, mood, one in zip(logs.test.candidates, logs.test.user_features.columns[:, 1], odds, strict=True)
    }
    assert of[4, 4] - of[1, 4] == pytest.approx(3.0, abs=0.6)
    assert of[4, 4] - of[4, 2] == pytest.approx(4.0, abs=0.6)
    assert of[4, 4] - of[1, 4] == pytest.approx(of[4, 2] - of[1, 2], abs=1e-4)


def test_every_ranking_model_that_needs_no_history_is_listed() -> None:
    """With the settings that it has, and no others."""
    assert set(CLICK_MODELS) == (set(RANKERS) - {"signals", "gbdt", "gru", "din", "text_cnn"}) | BASELINES
    for family in CLICK_MODELS.values():
        assert family.config(**family.settings)
