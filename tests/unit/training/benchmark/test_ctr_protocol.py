"""Runs of the protocol of clicks on small logs."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from services.training.benchmark.protocol import Outcome, Refused, Request
from services.training.benchmark.registry import PROTOCOLS
from services.training.ctr.click_logs import read_click_logs
from services.training.ctr.registry import CLICK_MODELS
from services.training.progress import Silence
from services.training.recall.model import FitContext
from tests.unit.training.ctr.folders import clicks_folder


def run(model: str, folder: Path, **settings: object) -> Outcome:
    """One cell."""
    return PROTOCOLS["ctr"].run(Request(folder, model, settings, 0, 1, None, Silence()))


def test_a_model_is_judged_on_the_test_rows_by_how_it_orders_them_and_what_it_promises(tmp_path: Path) -> None:
    """The same figures as another library's; the last is the one that counts."""
    folder = clicks_folder(tmp_path)
    outcome = run("click_rate", folder)

    logs = read_click_logs(folder)
    context = FitContext(seed=0, max_history=1, threads=1, display=Silence())
    model = CLICK_MODELS["click_rate"].fit(logs, CLICK_MODELS["click_rate"].config(), context)
    odds, clicked = model.log_odds(logs.test).astype(float), logs.test.labels[:, 0].numpy()
    assert list(outcome.metrics) == ["ece", "log_loss", "auc"]
    assert outcome.metrics["auc"].mean == pytest.approx(roc_auc_score(clicked, odds))
    assert outcome.metrics["log_loss"].mean == pytest.approx(log_loss(clicked, expit(odds)), rel=1e-6)
    assert outcome.metrics["ece"].mean < 0.1
    assert all(one.low <= one.high for one in outcome.metrics.values())
    assert outcome.queries == 300


def test_the_size_of_the_data_counts_all_parts(tmp_path: Path) -> None:
    """By which published data are known; bytes are those of the model, over the items."""
    outcome = run("fm", clicks_folder(tmp_path), epochs=1, dimension=2)
    assert (outcome.size.users, outcome.size.items, outcome.size.events) == (5, 8, 2600)
    # Of each table a row for every value (with the unknown ones), for the pairs and for the linear part, and a bias.
    numbers = 3 * (2 * 9 + (1 + 6 + 3) + 1) + 1
    assert outcome.cost.bytes_per_item == numbers * 4 / 8


def test_parts_are_of_users_and_items_that_were_met_seldom_and_often(tmp_path: Path) -> None:
    """By the rows of training; a part in which all rows are alike has no figure."""
    rng = np.random.default_rng(0)
    users = {"train": np.repeat([1, 2], [3, 200]), "valid": np.full(40, 2), "test": np.repeat([1, 2, 3], 40)}
    for split, who in users.items():
        label = rng.integers(2, size=len(who))
        label[who == 3] = 1
        item = np.where(rng.random(len(who)) < 0.7, 0, rng.integers(1, 5, size=len(who)))
        rows = "\n".join(f"{one},{which},{user}" for one, which, user in zip(label, item, who, strict=True))
        (tmp_path / f"{split}.csv").write_text(f"label,item,user\n{rows}\n", encoding="utf-8")
    parts = run("click_rate", tmp_path).slices
    assert set(parts) == {"history of 0 to 4", "history of 100 or more", "head items", "tail items"}


def test_settings_for_clicks_are_kept_where_no_others_are_given(tmp_path: Path) -> None:
    """What a ranker has for lists of candidates would not do here."""
    outcome = run("deepfm", clicks_folder(tmp_path), epochs=1, hidden=[8])
    assert outcome.configuration["hidden"] == [8]
    assert outcome.configuration["batch_norm"] is True
    assert outcome.configuration["embedding_penalty"] == 0.01
    assert len(outcome.curve) == 1


@pytest.mark.parametrize(
    ("model", "settings", "problem"),
    [
        ("magic", {}, "no model 'magic' for ctr; choose one of click_rate, logistic, mf"),
        ("signals", {}, "no model 'signals' for ctr"),
        ("fm", {"hidden": [4]}, "setting 'hidden' of fm"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    model: str, settings: dict[str, object], problem: str, tmp_path: Path
) -> None:
    """With what there is instead."""
    with pytest.raises(Refused, match=problem):
        run(model, tmp_path, **settings)
