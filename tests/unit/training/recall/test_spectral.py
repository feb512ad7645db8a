"""The spectral filter and PureSVD against matrices written out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from services.training.export import deviation, export_encoder
from services.training.recall.factorisation import truncated_svd
from services.training.recall.graph_filters import GraphFilters
from services.training.recall.model import Unsuitable
from services.training.recall.spectral import SpectralConfig, fit_spectral
from services.training.recall.svd import SvdConfig, fit_svd
from services.training.sequence.windows import pad_histories
from shared.snapshot.graphs import ENCODER
from tests.unit.training.recall.fitted import MAX_HISTORY
from tests.unit.training.recall.small import ITEMS, MET, context, interactions, scores, small_data


def degrees() -> tuple[np.ndarray, np.ndarray]:
    """How many items each person met and how many people each item; nobody's is 1."""
    matrix = interactions()
    return np.maximum(matrix.sum(axis=1), 1.0), np.maximum(matrix.sum(axis=0), 1.0)


def low_pass(matrix: np.ndarray, dimension: int) -> np.ndarray:
    """The projection on the largest eigenvectors of matrix' matrix."""
    vectors = np.linalg.eigh(matrix.T @ matrix)[1][:, -dimension:]
    return np.asarray(vectors @ vectors.T)


@pytest.mark.parametrize(
    ("user", "item", "discount", "time"),
    [(0.5, 0.5, 0.0, 0.0), (0.25, 0.4, 0.0, 0.0), (0.3, 0.45, 0.1, 0.0), (0.3, 0.4, 0.2, 1.5)],
)
def test_a_history_is_filtered_by_the_low_frequencies_of_the_normalised_graph(
    user: float, item: float, discount: float, time: float
) -> None:
    """Computed here from the eigenvectors of the item graph, and sharpened by a Runge-Kutta step."""
    people, items = degrees()
    config = SpectralConfig(
        dimension=3, user_exponent=user, item_exponent=item, popularity_discount=discount, sharpening=time
    )
    filtered = low_pass(interactions() / people[:, None] ** user / items**item, 3)
    normalised = interactions() / np.sqrt(people)[:, None] / np.sqrt(items)
    scored = interactions() / items**item @ filtered * items**item
    expected = runge_kutta(lambda state: -state @ normalised.T @ normalised, scored, time) / items**discount
    np.testing.assert_allclose(scores(fit_spectral(small_data(), config, context()), MET), expected, atol=1e-5)


def test_puresvd_projects_histories_on_the_first_singular_vectors() -> None:
    """Computed here from the eigenvectors of the co-occurrence matrix."""
    expected = interactions() @ low_pass(interactions(), 2)
    np.testing.assert_allclose(
        scores(fit_svd(small_data(), SvdConfig(dimension=2), context()), MET), expected, atol=1e-5
    )


def test_directions_that_are_not_there_are_left_out() -> None:
    """Two items that nobody met apart have one direction, whatever dimension is asked for."""
    model = fit_svd(small_data(((0, 1), (0, 1), (0, 1)), items=3), SvdConfig(dimension=3), context())
    assert model.item_vectors.shape == (3, 1)


def test_nothing_cannot_be_decomposed() -> None:
    """A matrix of zeros has no directions."""
    with pytest.raises(Unsuitable, match="bring more events"):
        truncated_svd(csr_array((4, 3), dtype=np.float32), 2, seed=0)


def test_a_large_matrix_is_decomposed_as_exactly_as_a_small_one() -> None:
    """By random projection, where the spectrum falls: against LAPACK."""
    rng = np.random.default_rng(0)
    dense = (rng.normal(size=(700, 20)) * 0.8 ** np.arange(20)) @ rng.normal(size=(20, 600))
    factors = truncated_svd(csr_array(dense.astype(np.float32)), 5, seed=0)
    left, values, right = np.linalg.svd(dense, full_matrices=False)
    np.testing.assert_allclose(factors.values, values[:5], rtol=1e-4)
    restored = factors.left * factors.values @ factors.right.T
    np.testing.assert_allclose(restored, left[:, :5] * values[:5] @ right[:5], atol=1e-2)


def test_the_reference_filters_are_those_of_their_papers() -> None:
    """GF-CF written out with dense matrices, and BSPM as a Runge-Kutta step of the sharpening equation."""
    people, items = degrees()
    normalised = interactions() / np.sqrt(people)[:, None] / np.sqrt(items)
    linear = normalised.T @ normalised
    ideal = low_pass(normalised, 2) * np.sqrt(items) / np.sqrt(items)[:, None]
    blurred = interactions() @ (linear + 0.3 * ideal)
    sharpened = runge_kutta(lambda state: -state @ linear, blurred, 2.5)
    histories = csr_array(interactions().astype(np.float32))
    filters = GraphFilters.of(histories, dimension=2, seed=0)
    np.testing.assert_allclose(filters.gf_cf(histories), blurred, atol=1e-5)
    np.testing.assert_allclose(filters.bspm(histories), sharpened, atol=1e-5)
    assert filters.gf_cf(histories).shape == (len(MET), ITEMS)


def test_damping_makes_the_filter_a_ridge_regression_of_items_on_items() -> None:
    """With every frequency kept: solved here for the weights that predict a history best from itself."""
    people, items = degrees()
    normalised = interactions() / people[:, None] ** 0.3 / items**0.4
    gram, strength = normalised.T @ normalised, 0.2 * np.linalg.norm(normalised, ord=2) ** 2
    weights = np.linalg.solve(gram + strength * np.eye(ITEMS), gram)
    expected = interactions() / items**0.4 @ weights * items ** (0.4 - 0.1)
    config = SpectralConfig(dimension=ITEMS, user_exponent=0.3, item_exponent=0.4, popularity_discount=0.1, damping=0.2)
    np.testing.assert_allclose(scores(fit_spectral(small_data(), config, context()), MET), expected, atol=1e-5)


def test_newer_items_count_more_where_the_order_is_to_be_seen() -> None:
    """Computed here from what each item says alone; one that was met twice is as old as its newest event."""
    model = fit_spectral(small_data(), SpectralConfig(dimension=3, recency=0.5), context())
    alone = scores(model, [(item,) for item in range(ITEMS)])
    expected = alone[1] + alone[3] * 2**-0.5 + alone[2] * 3**-0.5
    np.testing.assert_allclose(scores(model, [(1, 2, 3, 1), (0, 4)])[0], expected, rtol=1e-4, atol=1e-6)


def test_the_graph_sees_the_order_that_the_module_sees(tmp_path: Path) -> None:
    """Histories of several lengths, padded together."""
    model = fit_spectral(small_data(), SpectralConfig(dimension=3, recency=0.5), context())
    export_encoder(model.encoder, ITEMS, MAX_HISTORY, tmp_path / "encoder.onnx", user_features=1)
    graph = ENCODER.open(tmp_path / "encoder.onnx", threads=1)
    batch = pad_histories([np.asarray(row, dtype=np.int64) for row in MET], 7)
    inputs: dict[str, np.ndarray] = {"history": batch, "user_features": np.zeros((len(batch), 1), dtype=np.float32)}
    with torch.inference_mode():
        expected = model.encoder(torch.as_tensor(batch), torch.zeros(len(batch), 1)).numpy()
    assert deviation(graph, inputs, expected) <= 1e-4


def runge_kutta(slope: Callable[[np.ndarray], np.ndarray], state: np.ndarray, step: float) -> np.ndarray:
    """One step of the classic fourth-order method."""
    first = slope(state)
    second = slope(state + step / 2 * first)
    third = slope(state + step / 2 * second)
    fourth = slope(state + step * third)
    return np.asarray(state + step / 6 * (first + 2 * second + 2 * third + fourth))
