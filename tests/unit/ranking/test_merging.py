"""Scoring across requests."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from services.ranking.batch import ScoringBatch
from services.ranking.device import Device
from services.ranking.lanes import Lanes
from services.ranking.merging import MergedScoring, MergeLimits
from services.ranking.padding import CPU_RUN_CANDIDATES, keep_shape
from services.ranking.ranker import Ranker
from services.ranking.snapshot import RankingSnapshot
from shared.errors import Overloaded
from tests.snapshot_weights import OBJECTIVES, Weights
from tests.unit.ranking.batches import random_batch

WEIGHTS = Weights.draw(200, seed=0)
POISON = 199.0


def expected(batch: ScoringBatch) -> NDArray[np.float32]:
    """Computes the scores of a batch in NumPy."""
    return WEIGHTS.scores(
        batch.history, batch.user_features, batch.candidates, batch.candidate_features, batch.candidate_query
    )


class GatedModel:
    """A model whose runs begin when they may.

    Attributes:
        runs: Queries and candidates of every run, in the order of their beginning.
    """

    def __init__(self) -> None:
        self.runs: list[tuple[int, int]] = []
        self._begun = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)

    def __call__(self, **arrays: NDArray[Any]) -> NDArray[np.float32]:
        """Scores, or fails where a feature is the poison."""
        self.runs.append((len(arrays["history"]), len(arrays["candidates"])))
        self._begun.release()
        assert self._gate.acquire(timeout=30)
        if (arrays["user_features"] == POISON).any():
            raise ValueError("the model cannot take this")
        return expected(ScoringBatch(**arrays))

    async def begun(self) -> None:
        """Waits until another run has begun."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=30)

    def open(self, runs: int = 1000) -> None:
        """Lets so many runs go on."""
        self._gate.release(runs)


def snapshot_of(
    model: Callable[..., NDArray[np.float32]], device: Device = "cpu", *, joins: bool = True
) -> RankingSnapshot:
    """Returns a snapshot with this model."""
    ranker = Ranker(model, len(OBJECTIVES), keep_shape)
    return RankingSnapshot(200, 12, 6, np.zeros((200, 3), np.float32), OBJECTIVES, ranker, device, joins=joins)


@pytest.fixture
def model() -> Iterator[GatedModel]:
    """A model; whatever still runs at the end of a test is let go."""
    gated = GatedModel()
    yield gated
    gated.open()


@asynccontextmanager
async def merged(in_flight: int = 1, waiting: int = 100, candidates: int = 0) -> AsyncIterator[MergedScoring]:
    """Scoring on threads of its own, without waiting for them in the end."""
    lanes = Lanes(4, "scoring")
    yield MergedScoring(lanes, MergeLimits(candidates, waiting, in_flight))
    lanes.close()


def poisoned(batch: ScoringBatch) -> ScoringBatch:
    """Returns a batch that the model fails on."""
    wrong = np.full_like(batch.user_features, POISON)
    return ScoringBatch(batch.history, wrong, batch.candidates, batch.candidate_features, batch.candidate_query)


async def asked(scoring: MergedScoring, snapshot: RankingSnapshot, *batches: ScoringBatch) -> list[asyncio.Task[Any]]:
    """Asks for each batch on a task of its own, one after the other has arrived."""

    async def one(batch: ScoringBatch) -> Any:
        return await scoring(snapshot, batch)

    tasks = []
    for batch in batches:
        tasks.append(asyncio.create_task(one(batch)))
        for _ in range(5):
            await asyncio.sleep(0)
    return tasks


async def test_a_request_alone_is_run_at_once_and_by_itself(model: GatedModel) -> None:
    """It waits for no company."""
    async with merged() as scoring:
        (task,) = await asked(scoring, snapshot_of(model), random_batch(2, 9))
        await model.begun()
        model.open()
        np.testing.assert_allclose(await task, expected(random_batch(2, 9)), rtol=1e-5, atol=1e-5)


async def test_what_comes_during_a_run_goes_together_in_the_next_and_shows_in_the_metric(model: GatedModel) -> None:
    """Each gets its own scores, histories of different lengths or not."""
    batches = [random_batch(2, 9, width=width, seed=width) for width in (3, 1, 7, 2)]
    before = REGISTRY.get_sample_value("winnow_ranking_run_queries_sum") or 0
    async with merged() as scoring:
        tasks = await asked(scoring, snapshot_of(model), *batches)
        await model.begun()
        model.open()
        for batch, scores in zip(batches, await asyncio.gather(*tasks), strict=True):
            np.testing.assert_allclose(scores, expected(batch), rtol=1e-5, atol=1e-5)
    assert model.runs == [(2, 9), (6, 27)]
    assert REGISTRY.get_sample_value("winnow_ranking_run_queries_sum") == before + 8


async def test_a_request_of_several_runs_is_spread_over_the_threads(model: GatedModel) -> None:
    """Both shares are under way at once, and the scores are in the order of the candidates."""
    batch = random_batch(4, CPU_RUN_CANDIDATES + 100)
    async with merged(in_flight=2) as scoring:
        (task,) = await asked(scoring, snapshot_of(model), batch)
        await model.begun()
        await model.begun()
        assert not task.done()
        model.open()
        np.testing.assert_allclose(await task, expected(batch), rtol=1e-5, atol=1e-5)
    assert sorted(candidates for _, candidates in model.runs) == [CPU_RUN_CANDIDATES // 2 + 50] * 2


@pytest.mark.parametrize(("in_flight", "device"), [(1, "cpu"), (2, "cuda")])
async def test_a_request_of_several_runs_stays_whole(model: GatedModel, in_flight: int, device: Device) -> None:
    """On one thread, and on a GPU, which has its own ways to do much at once."""
    batch = random_batch(4, CPU_RUN_CANDIDATES + 100)
    model.open()
    async with merged(in_flight) as scoring:
        await scoring(snapshot_of(model, device), batch)
    assert model.runs == [(4, len(batch))]


async def test_a_score_that_is_not_finite_sinks_below_all_of_its_query_whatever_share_it_is_in() -> None:
    """The lowest of the query may have been computed in another share."""
    rows = np.arange(2 * CPU_RUN_CANDIDATES)
    batch = replace(random_batch(1, len(rows)), candidates=rows)

    def broken(**arrays: NDArray[Any]) -> NDArray[np.float32]:
        """The higher the row, the lower the score; that of row 0 is none."""
        scores = np.where(arrays["candidates"] == 0, np.nan, -arrays["candidates"]).astype(np.float32)
        return np.repeat(scores[:, np.newaxis], len(OBJECTIVES), axis=1)

    async with merged(in_flight=2) as scoring:
        scores = await scoring(snapshot_of(broken), batch)
    assert scores[0].tolist() == scores[-1].tolist() == [1 - len(rows)] * len(OBJECTIVES)


async def test_a_share_that_fails_fails_its_request_and_no_other(model: GatedModel) -> None:
    """Whoever asks next is answered."""
    model.open()
    async with merged(in_flight=2) as scoring:
        with pytest.raises(ValueError, match="cannot take this"):
            await scoring(snapshot_of(model), poisoned(random_batch(2, 2 * CPU_RUN_CANDIDATES)))
        batch = random_batch(2, 9)
        np.testing.assert_allclose(await scoring(snapshot_of(model), batch), expected(batch), rtol=1e-5, atol=1e-5)


async def test_where_joining_does_not_pay_each_request_has_a_run_of_its_own(model: GatedModel) -> None:
    """One after the other on one way to a thread; one that the model fails on fails alone here as well."""
    batches = [random_batch(2, 9, width=width, seed=width) for width in (3, 1, 7, 2)]
    async with merged() as scoring:
        tasks = await asked(scoring, snapshot_of(model, joins=False), *batches, poisoned(batches[0]))
        model.open()
        with pytest.raises(ValueError, match="the model cannot take this"):
            await tasks.pop()
        for batch, scores in zip(batches, await asyncio.gather(*tasks), strict=True):
            np.testing.assert_allclose(scores, expected(batch), rtol=1e-5, atol=1e-5)
    assert model.runs == [(2, 9)] * 5


async def test_requests_for_different_snapshots_are_not_mixed(model: GatedModel) -> None:
    """Each has a model of its own."""
    other = GatedModel()
    other.open()
    older, newer = snapshot_of(model), snapshot_of(other)
    async with merged() as scoring:
        tasks = await asked(scoring, older, random_batch(1, 1))
        for snapshot, candidates in ((newer, 2), (older, 4), (newer, 3)):
            tasks += await asked(scoring, snapshot, random_batch(1, candidates))
        model.open()
        await asyncio.gather(*tasks)
    assert model.runs == [(1, 1), (1, 4)]
    assert other.runs == [(2, 5)]


async def test_a_request_that_the_model_fails_on_fails_alone(model: GatedModel) -> None:
    """Those that it was merged with get their scores."""
    good = [random_batch(1, 4, seed=seed) for seed in range(3)]
    async with merged() as scoring:
        tasks = await asked(scoring, snapshot_of(model), good[0], good[1], poisoned(good[0]), good[2])
        model.open()
        with pytest.raises(ValueError, match="the model cannot take this"):
            await tasks.pop(2)
        for task, batch in zip(tasks, good, strict=True):
            np.testing.assert_allclose(await task, expected(batch), rtol=1e-5, atol=1e-5)


async def test_a_request_whose_caller_has_gone_is_not_run(model: GatedModel) -> None:
    """Nobody waits for it."""
    async with merged() as scoring:
        first, gone, last = await asked(scoring, snapshot_of(model), *(random_batch(1, n) for n in (1, 2, 4)))
        await model.begun()
        gone.cancel()
        model.open()
        await asyncio.gather(first, last)
    assert model.runs == [(1, 1), (1, 4)]


async def test_a_request_is_refused_when_too_many_wait(model: GatedModel) -> None:
    """Memory does not grow with the load."""
    async with merged(waiting=2) as scoring:
        tasks = await asked(scoring, snapshot_of(model), *(random_batch(1, 3) for _ in range(4)))
        with pytest.raises(Overloaded):
            await tasks[3]
        model.open()
        await asyncio.gather(*tasks[:3])


@pytest.mark.parametrize(
    ("shapes", "runs"),
    [
        ([(1, 60), (1, 60), (1, 40)], [(2, 100), (1, 60)]),
        ([(200, 10), (56, 10), (1, 10)], [(256, 20), (1, 10)]),
        ([(1, 500), (1, 10)], [(1, 500), (1, 10)]),
    ],
    ids=["candidates", "queries", "too large"],
)
async def test_a_run_is_bounded(model: GatedModel, shapes: list[tuple[int, int]], runs: list[tuple[int, int]]) -> None:
    """In candidates and in queries; what is larger by itself goes alone."""
    async with merged(candidates=100) as scoring:
        tasks = await asked(scoring, snapshot_of(model), random_batch(1, 1), *(random_batch(q, n) for q, n in shapes))
        model.open()
        await asyncio.gather(*tasks)
    assert model.runs == [(1, 1), *runs]


async def test_merging_can_be_turned_off(model: GatedModel) -> None:
    """One candidate at most means that every request goes alone."""
    async with merged(candidates=1) as scoring:
        tasks = await asked(scoring, snapshot_of(model), *(random_batch(1, 5) for _ in range(3)))
        model.open()
        await asyncio.gather(*tasks)
    assert model.runs == [(1, 5)] * 3


async def test_on_a_gpu_two_runs_are_under_way_however_many_threads_there_are(model: GatedModel) -> None:
    """It computes one at a time; the third waits for company."""
    async with merged(in_flight=4) as scoring:
        tasks = await asked(scoring, snapshot_of(model, "cuda"), *(random_batch(1, 5) for _ in range(5)))
        await model.begun()
        await model.begun()
        model.open()
        await asyncio.gather(*tasks)
    assert model.runs == [(1, 5), (1, 5), (3, 15)]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 4)),
        st.tuples(st.just("poison"), st.just(1)),
        st.tuples(st.just("cancel"), st.integers(0, 12)),
        st.tuples(st.just("run"), st.integers(1, 2)),
    ),
    max_size=14,
)


@given(steps, st.integers(1, 3), st.sampled_from([1, 12, 4096]), st.booleans())
def test_whatever_happens_each_caller_gets_its_own_scores(
    schedule: list[tuple[str, int]], in_flight: int, candidates: int, joins: bool
) -> None:
    """In whatever company it was run, whoever of it was cancelled or made the model fail."""
    asyncio.run(_play(schedule, in_flight, candidates, joins))


async def _play(schedule: list[tuple[str, int]], in_flight: int, candidates: int, joins: bool) -> None:
    model = GatedModel()
    snapshot = snapshot_of(model, joins=joins)
    asked_for: list[tuple[ScoringBatch, bool, asyncio.Task[Any]]] = []
    async with merged(in_flight, 1000, candidates) as scoring:
        for step, number in schedule:
            if step in {"ask", "poison"}:
                for _ in range(number):
                    seed = len(asked_for)
                    batch = random_batch(1 + seed % 3, 3 + seed, width=1 + seed % 5, seed=seed)
                    batch = poisoned(batch) if step == "poison" else batch
                    (task,) = await asked(scoring, snapshot, batch)
                    asked_for.append((batch, step == "poison", task))
            elif step == "cancel" and number < len(asked_for):
                asked_for[number][2].cancel()
            elif step == "run":
                model.open(number)
        model.open()
        for batch, wrong, task in asked_for:
            with suppress(asyncio.CancelledError):
                if wrong:
                    with pytest.raises((ValueError, asyncio.CancelledError)):
                        await task
                else:
                    np.testing.assert_allclose(await task, expected(batch), rtol=1e-5, atol=1e-5)
