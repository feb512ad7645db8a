"""GetItems: one gather from the snapshot's matrix."""

import numpy as np

from tests.contract.feature_store.calls import array, items
from tests.contract.feature_store.serving import Serving
from tests.snapshot_weights import ITEM_FEATURES, Weights

MATRIX = Weights.draw(200, seed=0).item_features


async def test_items_come_in_the_order_of_the_request(store: Serving) -> None:
    """Repeats too, and the first and the last row of the matrix."""
    rows = [199, 3, 0, 3]
    answer = await store.stub.GetItems(items(rows))
    assert np.array_equal(array(answer.features), MATRIX[rows])


async def test_no_items_is_an_empty_matrix(store: Serving) -> None:
    """With its columns."""
    answer = await store.stub.GetItems(items([]))
    assert array(answer.features).shape == (0, len(ITEM_FEATURES))


async def test_as_many_items_as_allowed_can_be_asked_for(store: Serving) -> None:
    """Off the event loop where that takes long."""
    rows = np.arange(65_536) % 200
    answer = await store.stub.GetItems(items(rows.tolist()))
    assert np.array_equal(array(answer.features), MATRIX[rows])
