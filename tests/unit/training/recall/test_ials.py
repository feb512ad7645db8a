"""Implicit ALS against the loss that it makes small."""

from pathlib import Path

import numpy as np
import pytest
import torch

from services.training.export import deviation, export_encoder
from services.training.recall.fold_in import conjugate_gradients
from services.training.recall.ials import IalsConfig, fit_ials, solve_all
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import RecallModel
from services.training.sequence.windows import pad_histories
from shared.snapshot.graphs import ENCODER
from tests.unit.training.recall.fitted import MAX_HISTORY, fitted, recall_data
from tests.unit.training.recall.small import ITEMS, MET, context, interactions, scores, small_data

CONFIG = IalsConfig(dimension=3, sweeps=5, unobserved_weight=0.2, regularisation=0.01, frequency_exponent=0.7)


def gradient(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray, config: IalsConfig) -> np.ndarray:
    """Of half the loss as the paper writes it, by the vectors of the rows: zero where they are solved for."""
    predicted = rows @ columns.T
    strength = (
        config.regularisation
        * (matrix.sum(axis=1) + config.unobserved_weight * len(columns)) ** config.frequency_exponent
    )
    errors = matrix * (predicted - 1.0) + config.unobserved_weight * predicted
    return np.asarray(errors @ columns + strength[:, None] * rows)


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_every_row_is_solved_for_at_once(dimension: int) -> None:
    """The loss cannot be made smaller by moving any of them, whether vectors are longer than histories or shorter."""
    events = interaction_matrix(small_data().events, ITEMS)
    columns = torch.randn(ITEMS, dimension, generator=torch.Generator().manual_seed(1))
    rows = solve_all(events, columns, CONFIG)
    np.testing.assert_allclose(gradient(interactions(), rows.numpy(), columns.numpy(), CONFIG), 0.0, atol=1e-5)
    assert not rows[4].any()


def test_a_query_is_the_vector_that_another_sweep_would_give_the_owner() -> None:
    """Solved with a dense matrix for each history; the people of the fit have no advantage over others."""
    model = fit_ials(small_data(), CONFIG, context())
    expected = exact(model, [list(row) for row in MET], CONFIG) @ model.item_vectors.T
    np.testing.assert_allclose(scores(model, MET), expected, rtol=1e-4, atol=1e-5)


def test_the_default_number_of_steps_is_enough() -> None:
    """On the generated data set, for histories of many lengths: scores are within a thousandth of the exact ones."""
    model, items = fitted("ials"), len(recall_data().items)
    rng = np.random.default_rng(0)
    histories = [rng.choice(items, size, replace=False).tolist() for size in (1, 2, 5, 20, 100, 400)]
    histories += [row.tolist() for row in list(recall_data().events)[:50] if len(row)]
    expected = exact(model, histories, IalsConfig(dimension=32)) @ model.item_vectors.T
    np.testing.assert_allclose(scores(model, histories), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_the_graph_solves_as_the_module_does_however_many_steps_are_left_over(tmp_path: Path) -> None:
    """Steps after the answer has been reached change nothing, in ONNX neither."""
    config = CONFIG.model_copy(update={"steps": 12})
    model = fit_ials(small_data(), config, context())
    export_encoder(model.encoder, ITEMS, MAX_HISTORY, tmp_path / "encoder.onnx", user_features=1)
    graph = ENCODER.open(tmp_path / "encoder.onnx", threads=1)
    histories = [list(row) for row in MET]
    batch = pad_histories([np.asarray(row, dtype=np.int64) for row in histories], 5)
    inputs: dict[str, np.ndarray] = {"history": batch, "user_features": np.zeros((len(batch), 1), dtype=np.float32)}
    assert deviation(graph, inputs, exact(model, histories, config).astype(np.float32)) <= 1e-4


def test_conjugate_gradients_need_one_step_more_than_there_are_rows() -> None:
    """That is what the preconditioner is for: 40 dimensions, 3 rows, 4 steps."""
    generator = torch.Generator().manual_seed(2)
    rows = torch.randn(2, 3, 40, generator=generator)
    diagonal = torch.rand(2, 40, generator=generator) * 10 + 0.1
    right = rows.sum(dim=1)
    expected = torch.linalg.solve(torch.diag_embed(diagonal) + rows.mT @ rows, right)
    torch.testing.assert_close(conjugate_gradients(rows, diagonal, right, steps=4), expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(conjugate_gradients(rows, diagonal, right, steps=1), expected, rtol=1e-3, atol=1e-4)


def exact(model: RecallModel, histories: list[list[int]], config: IalsConfig) -> np.ndarray:
    """The users' vectors from dense normal equations: float64 [histories, dimension]."""
    vectors = model.item_vectors.astype(np.float64)
    solved = np.zeros((len(histories), vectors.shape[1]))
    for row, history in enumerate(histories):
        met = vectors[sorted(set(history))]
        frequency = len(met) + config.unobserved_weight * len(vectors)
        normal = met.T @ met + config.unobserved_weight * vectors.T @ vectors
        normal += config.regularisation * frequency**config.frequency_exponent * np.eye(len(normal))
        solved[row] = np.linalg.solve(normal, met.sum(axis=0))
    return solved
