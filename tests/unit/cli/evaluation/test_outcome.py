"""What an evaluation says, and when it is not good enough."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.cli.evaluation.asking import UNRANKED
from services.cli.evaluation.outcome import Evaluation, Floors, Quality
from services.cli.evaluation.show import show
from services.cli.failure import Failure

GOOD = Evaluation(
    dataset="books",
    snapshot_id="s",
    users=1000,
    gateway=Quality(0.2, 0.11),
    recall=Quality(0.19, 0.10),
    popularity=Quality(0.04, 0.02),
    annoy_loss={"collaborative": 0.01, "content": 0.03},
    degraded=0,
)


def test_quality_is_the_mean_over_users() -> None:
    """By hand: places 1 and 3 count, place 11 and an item that is not listed do not."""
    quality = Quality.of_ranks(np.array([1, 3, 11, UNRANKED]))
    assert quality.hit_rate == 0.5
    assert quality.ndcg == pytest.approx((1 + 1 / 2) / 4)


def test_what_is_good_enough_misses_nothing() -> None:
    """On the border is good enough."""
    assert list(Floors().missed(GOOD)) == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (replace(GOOD, gateway=Quality(0.149, 0.11)), "at least 0.15 is wanted"),
        (replace(GOOD, popularity=Quality(0.051, 0.02)), "at least 4 times popularity's 0.0510 is wanted"),
        (replace(GOOD, recall=Quality(0.19, 0.11)), "Ranking does not help"),
        (replace(GOOD, annoy_loss={"content": 0.031}), "The index of content loses 3.1% of exact search"),
        (replace(GOOD, degraded=2), "2 answers were degraded"),
    ],
)
def test_every_floor_that_is_missed_is_named(found: Evaluation, sentence: str) -> None:
    """With what was found and what is wanted; only a check makes it a failure."""
    assert any(sentence in missed for missed in Floors().missed(found))
    show(found, as_json=False, out=None, check=False)
    with pytest.raises(Failure, match="Not good enough"):
        show(found, as_json=False, out=None, check=True)


def test_the_result_is_written_even_when_it_is_not_good_enough(tmp_path: Path) -> None:
    """A failed check is when the numbers are wanted most."""
    bad = replace(GOOD, gateway=Quality(0.0, 0.0))
    with pytest.raises(Failure):
        show(bad, as_json=False, out=tmp_path / "q.json", check=True)
    assert json.loads((tmp_path / "q.json").read_text())["gateway"] == {"hit_rate": 0.0, "ndcg": 0.0}


def test_a_popularity_of_zero_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """On a tiny data set nobody may have met anything popular."""
    show(replace(GOOD, popularity=Quality(0, 0)), as_json=False, out=None, check=False)
    assert "inf" in capsys.readouterr().out


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, and nothing else on stdout."""
    show(GOOD, as_json=True, out=None, check=True)
    assert json.loads(capsys.readouterr().out)["annoy_loss"] == {"collaborative": 0.01, "content": 0.03}
