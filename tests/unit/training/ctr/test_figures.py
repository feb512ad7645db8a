"""Fitting models to clicks."""

from pathlib import Path

import numpy as np
import pytest

from services.training.ctr.figures import FRAPPE_SETTINGS, click_figures
from services.training.ctr.frappe import read_frappe
from services.training.progress import Silence
from services.training.ranking.registry import RANKERS
from services.training.recall.model import FitContext


@pytest.mark.parametrize("name", list(FRAPPE_SETTINGS))
def test_a_model_predicts_clicks_that_neither_app_nor_context_alone_explains(name: str, tmp_path: Path) -> None:
    """An app is used on one of two weekdays; the settings are those of the real data set, but for size and pace."""
    rng = np.random.default_rng(0)
    for split, rows in (("train", 2000), ("valid", 300), ("test", 300)):
        app, day = rng.integers(8, size=rows), rng.integers(2, size=rows)
        table = np.stack([(app % 2 == day).astype(int), rng.integers(5, size=rows), app, day], axis=1)
        lines = "\n".join(",".join(map(str, row)) for row in table.tolist())
        (tmp_path / f"{split}.csv").write_text(f"label,user,item,weekday\n{lines}\n", encoding="utf-8")
    settings = {**FRAPPE_SETTINGS[name], "batch": 128, "epochs": 4, "learning_rate": 0.02, "embedding_penalty": 1e-5}
    if "hidden" in settings:
        settings["hidden"] = (16,)
    family = RANKERS[name]

    context = FitContext(seed=0, max_history=1, threads=1, display=Silence())
    found = click_figures(read_frappe(tmp_path), family, family.config(**settings), context)

    assert found.validation > 0.97
    assert found.test > 0.97
    assert 1 <= found.epochs <= 4
