"""The page about ranking models has those that there are."""

import re
from pathlib import Path

import pytest

from services.training.ranking.registry import RANKERS

PAGE = (Path(__file__).parents[3] / "docs" / "ranking-models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(RANKERS))
def test_every_ranking_model_has_a_row(name: str) -> None:
    """With what it says of itself, and with when to use it."""
    row = rf"^\| `{name}` \| {re.escape(RANKERS[name].summary)} \| \S.* \|$"
    assert re.search(row, PAGE, re.MULTILINE), f"add: | `{name}` | {RANKERS[name].summary} | when to use it |"


def test_the_page_has_no_ranking_model_that_is_gone() -> None:
    """What is in the table can be fitted."""
    table = PAGE.split("## The models")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(RANKERS)
