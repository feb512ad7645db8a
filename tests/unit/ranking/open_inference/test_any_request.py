"""Whatever a request of the protocol holds, it is refused with the name of a field, or it can be scored."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from services.ranking.batch import ScoringBatch
from services.ranking.open_inference.inputs import scoring_batch
from services.ranking.open_inference.signature import inputs_of
from services.ranking.open_inference.tensors import decode_inputs
from services.ranking.snapshot import RankingSnapshot, load_snapshot
from shared.errors import InvalidArgument
from shared.snapshot.repository import SnapshotRepository
from tests.contract.ranking.open_inference.requests import ITEMS, Arrays, raw_request, typed_request
from tests.contract.ranking.requests import ITEM_FEATURES, USER_FEATURES
from tests.snapshot_factory import build_snapshot
from tests.snapshot_weights import OBJECTIVES

#: Spoils a request; `draw` says how, `position` which input.
Mutation = Callable[[st.DrawFn, Any, int], None]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> RankingSnapshot:
    """A snapshot with a real model."""
    root = tmp_path_factory.mktemp("snapshots")
    manifest = build_snapshot(root)
    folder = SnapshotRepository(root).folder(manifest.id)
    return load_snapshot(folder, manifest, device="cpu", threads=1)


def rows(shape: tuple[int, ...], end: int) -> st.SearchStrategy[Any]:
    """Draws rows, now and then one just outside of 0 to `end`."""
    return arrays_of.arrays(np.int64, shape, elements=st.sampled_from([0, end - 1] * 20 + [-1, -2, end, 2**62]))


def floats(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Draws features, now and then one that is not finite."""
    return arrays_of.arrays(np.float32, shape, elements=st.sampled_from([0.5, 3e38] * 40 + [np.nan, -np.inf]))


@st.composite
def inputs(draw: st.DrawFn) -> Arrays:
    """Draws inputs for up to three queries and six candidates; some may be missing."""
    queries, candidates, width = draw(st.integers(1, 3)), draw(st.integers(0, 6)), draw(st.integers(0, 15))
    drawn = {
        "history": draw(rows((queries, width), ITEMS)),
        "user_features": draw(floats((queries, USER_FEATURES))),
        "candidates": draw(rows((candidates,), ITEMS)),
        "candidate_features": draw(floats((candidates, ITEM_FEATURES))),
        "candidate_query": draw(rows((candidates,), queries)),
    }
    missing = draw(st.sampled_from([(), (), (), *((name,) for name in drawn), ("history", "candidate_query")]))
    return {name: array for name, array in drawn.items() if name not in missing}


def rename(draw: st.DrawFn, request: Any, position: int) -> None:
    """Calls an input by another's name, or by none."""
    request.inputs[position].name = draw(st.sampled_from(["history", "candidates", "scores", ""]))


def retype(draw: st.DrawFn, request: Any, position: int) -> None:
    """Says that an input is of another type."""
    request.inputs[position].datatype = draw(st.sampled_from(["INT64", "FP32", "INT32", "BYTES", ""]))


def reshape(draw: st.DrawFn, request: Any, position: int) -> None:
    """Says that an input is of another shape."""
    request.inputs[position].shape[:] = draw(st.lists(st.sampled_from([-1, 0, 1, 2, 3, 2**31, 2**62]), max_size=4))


def replace_bytes(draw: st.DrawFn, request: Any, position: int) -> None:
    """Sends other bytes, or some where there were none."""
    content = draw(st.binary(max_size=40))
    if request.raw_input_contents:
        request.raw_input_contents[position] = content
    else:
        request.raw_input_contents.append(content)


def add_values(draw: st.DrawFn, request: Any, position: int) -> None:
    """Adds a value to one of the typed lists."""
    contents = request.inputs[position].contents
    draw(st.sampled_from([contents.fp32_contents, contents.int64_contents, contents.int_contents])).append(1)


def sound(_draw: st.DrawFn, _request: Any, _position: int) -> None:
    """Changes nothing."""


MUTATIONS: tuple[Mutation, ...] = (sound, sound, sound, rename, retype, reshape, replace_bytes, add_values)


@st.composite
def requests(draw: st.DrawFn) -> Any:
    """Draws requests, raw and typed, of which some are spoilt."""
    request = draw(st.sampled_from([raw_request, typed_request]))(draw(inputs()))
    mutate = draw(st.sampled_from(MUTATIONS))
    mutate(draw, request, draw(st.integers(0, len(request.inputs) - 1)))
    return request


def batch_of(request: Any, snapshot: RankingSnapshot) -> ScoringBatch | None:
    """Returns what a request asks to score; nothing where it is refused with the name of a field."""
    signatures = inputs_of(snapshot)
    try:
        return scoring_batch(decode_inputs(request, list(request.raw_input_contents), signatures), signatures, snapshot)
    except InvalidArgument as refused:
        if not refused.field:
            raise
        return None


@settings(max_examples=500, deadline=None, derandomize=True)
@given(request=requests())
def test_any_request_is_refused_by_name_or_can_be_scored(snapshot: RankingSnapshot, request: Any) -> None:
    """Nothing that gets past the checks makes the model fail or read outside of its tables."""
    batch = batch_of(request, snapshot)
    event("refused" if batch is None else "scored")
    if batch is not None:
        assert 1 <= batch.history.shape[1] <= snapshot.max_history
        assert snapshot.ranker.score(batch).shape == (len(batch), len(OBJECTIVES))
