"""The loop from what is shown, to what is done, to what training reads."""

import asyncio
from pathlib import Path

import polars as pl
import pytest

from tests.e2e.suite import Suite
from tests.e2e.traffic import PATIENCE_SECONDS
from tests.unit.cli.invocation import winnow_beside
from winnow.client import Event

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def examples_of(suite: Suite, answers: set[str], out: Path) -> pl.DataFrame:
    """Builds examples from the log of the running suite, until all of these answers are in it."""
    (log,) = (suite.root / "feature_store").rglob("log")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            built = await winnow_beside("examples", "build", "--log", str(log), "--out", str(out))
            assert built.exit_code == 0, built.stderr
            rows = pl.read_parquet(out)
            if answers <= set(rows["request_id"]):
                return rows


async def test_what_is_shown_and_done_becomes_examples(suite: Suite, tmp_path: Path) -> None:
    """A row for every item of every answer, as it was given, with what came of it; nothing of what was untracked."""
    # First, so that it would be in the log when the others are.
    await suite.client.recommend(suite.user_ids[3], request_id="e2e-untracked", untracked=True)
    shown = {
        f"e2e-{user_id}": await suite.client.recommend(user_id, request_id=f"e2e-{user_id}")
        for user_id in suite.user_ids[:3]
    }
    taken_id, taken = next(iter(shown.items()))
    item_id = taken.items[1].item_id
    await suite.client.record(
        [Event(suite.user_ids[0], item_id, "like", shown_by_request_id=taken_id)], timeout=PATIENCE_SECONDS
    )

    rows = await examples_of(suite, set(shown), tmp_path / "examples.parquet")

    assert "e2e-untracked" not in set(rows["request_id"])
    for user_id, (request_id, answer) in zip(suite.user_ids, shown.items(), strict=False):
        of_answer = rows.filter(pl.col("request_id") == request_id).sort("place")
        assert of_answer["item_id"].to_list() == [item.item_id for item in answer.items]
        assert of_answer["place"].to_list() == list(range(1, len(answer.items) + 1))
        assert of_answer["score"].to_list() == pytest.approx([item.score for item in answer.items], rel=1e-6)
        assert of_answer["propensity"].to_list() == [item.propensity for item in answer.items]
        assert set(of_answer["user_id"]) == {user_id}
        assert set(of_answer["snapshot_id"]) == {answer.snapshot_id}
    liked = rows.filter(pl.col("like") > 0)
    assert liked.select("request_id", "item_id", "place", "reward").rows() == [(taken_id, item_id, 2, 3.0)]
