"""Inner-product search by angle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shared.inner_product import augment, augment_queries

components = st.floats(-10, 10, width=32)
vectors = arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 5)), elements=components)


@given(vectors, st.data())
def test_the_angle_orders_items_as_the_inner_product_does(items: np.ndarray, data: st.DataObject) -> None:
    """The cosine to an augmented query is the inner product times one number, the same for every item."""
    query = data.draw(arrays.arrays(np.float32, items.shape[1], elements=components))
    augmented = augment(items).astype(np.float64)
    products = augmented @ augment_queries(query[None])[0]
    np.testing.assert_allclose(products, items.astype(np.float64) @ query, atol=1e-3)
    lengths = np.linalg.norm(augmented, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-5, atol=1e-5)


def test_no_items_are_augmented_to_no_items() -> None:
    """An empty catalogue has no longest vector."""
    assert augment(np.empty((0, 4), dtype=np.float32)).shape == (0, 5)
