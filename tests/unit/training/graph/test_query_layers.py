"""What a layer does with a query is done once for all its candidates."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from services.training.export import export_ranker
from services.training.graph.query_layers import CANDIDATE_QUERY
from services.training.variants.conversion import WRITERS, Precision
from shared.snapshot.graphs import RANKER

USER, ITEM, WIDTH, HIDDEN = 3, 4, 2, 5


class _Ranker(nn.Module):
    """A layer over what `fields` lays side by side, and another."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(9, WIDTH)
        self.first, self.last = nn.Linear(columns, HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,
        candidates: Tensor,
        candidate_features: Tensor,
        candidate_query: Tensor,
    ) -> Tensor:
        """Scores candidates."""
        del history
        fields = self.fields(user_features, candidates, candidate_features, candidate_query)
        scores: Tensor = self.last(self.first(fields).relu())
        return scores

    def fields(self, users: Tensor, items: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Returns float [n, columns]."""
        raise NotImplementedError


class _SideBySide(_Ranker):
    """Features as they come, the query's between those of the candidate."""

    def fields(self, users: Tensor, items: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Returns the item's vector, the user's features and the item's."""
        return torch.cat([self.table(items), users[query], features], dim=1)


class _Fields(_Ranker):
    """Vectors of fields one above the other, laid end to end, beside one more."""

    def fields(self, users: Tensor, items: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Returns two fields of the query, two of the candidate, and what the query has at once."""
        of_query = torch.stack([users[:, :WIDTH], users[:, 1 : 1 + WIDTH]], dim=1)
        of_item = torch.stack([self.table(items), features[:, :WIDTH]], dim=1)
        stacked = torch.cat([of_query[query], of_item], dim=1)
        return torch.cat([stacked.flatten(1), (2.0 * users)[query]], dim=1)


class _NothingOfQueries(_Ranker):
    """A table that is asked by the query's number is one like any other: it may have more rows than there are candidates."""

    def fields(self, users: Tensor, items: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Returns what the tables have; the user's features only move it."""
        return torch.cat([self.table(query), self.table(items) + users.mean(), features], dim=1)


COLUMNS = {_SideBySide: WIDTH + USER + ITEM, _Fields: 4 * WIDTH + USER, _NothingOfQueries: 2 * WIDTH + ITEM}
READ = {_SideBySide: [USER, WIDTH + ITEM, HIDDEN], _Fields: [2 * WIDTH + USER, 2 * WIDTH, HIDDEN]}


def exported(kind: type[_Ranker], folder: Path) -> tuple[_Ranker, Path]:
    """A ranker and its graph."""
    module, path = kind(COLUMNS[kind]).eval(), folder / "ranker.onnx"
    export_ranker(module, 9, 4, (USER, ITEM), path)
    return module, path


def asked() -> dict[str, np.ndarray]:
    """Eight candidates of three queries, in no order, and one query that has none."""
    rng = np.random.default_rng(0)
    return {
        "history": np.zeros((4, 2), dtype=np.int64),
        "user_features": rng.normal(size=(4, USER)).astype(np.float32),
        "candidates": rng.integers(0, 9, 8),
        "candidate_features": rng.normal(size=(8, ITEM)).astype(np.float32),
        "candidate_query": np.array([3, 0, 3, 1, 1, 0, 3, 3]),
    }


def scores(path: Path) -> np.ndarray:
    """What a graph says of `asked`."""
    return RANKER.open(path, threads=1)(**asked())


def columns_read(path: Path) -> list[int]:
    """How many columns each layer reads, in order."""
    graph = onnx.load(path).graph
    shapes = {one.name: list(one.dims) for one in graph.initializer}
    return [shapes[node.input[1]][1] for node in graph.node if node.op_type == "Gemm"]


@pytest.mark.parametrize("kind", [_SideBySide, _Fields, _NothingOfQueries])
def test_the_scores_are_those_of_the_module(kind: type[_Ranker], tmp_path: Path) -> None:
    """But for the order of sums."""
    module, path = exported(kind, tmp_path)
    expected = module(*(torch.as_tensor(one) for one in asked().values())).detach().numpy()
    np.testing.assert_allclose(scores(path), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [_SideBySide, _Fields])
def test_candidates_multiply_their_own_columns_alone(kind: type[_Ranker], tmp_path: Path) -> None:
    """What gathers for them brings what was computed for queries, and nothing is left of the layer as it was."""
    _, path = exported(kind, tmp_path)
    graph = onnx.load(path).graph
    assert columns_read(path) == READ[kind]
    gathered = [node.input[0] for node in graph.node if CANDIDATE_QUERY in node.input]
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    assert [made_by[name] for name in gathered] == ["Gemm"]
    read: Sequence[str] = [name for node in graph.node for name in node.input]
    assert {one.name for one in graph.initializer} <= set(read)


def test_a_layer_without_rows_of_queries_stays_whole(tmp_path: Path) -> None:
    """There is nothing to compute once."""
    _, path = exported(_NothingOfQueries, tmp_path)
    assert columns_read(path) == [COLUMNS[_NothingOfQueries], HIDDEN]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_the_lower_precisions_are_written_of_it(precision: Precision, tmp_path: Path) -> None:
    """The two products as well as the one."""
    _, path = exported(_Fields, tmp_path)
    WRITERS[precision](path, tmp_path / "lower.onnx")
    np.testing.assert_allclose(scores(tmp_path / "lower.onnx"), scores(path), atol=0.02)
