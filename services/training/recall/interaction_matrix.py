"""Who met what, as a matrix."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from services.training.datasets import Sequences


def interaction_matrix(events: Sequences, items: int) -> csr_array:
    """Returns float32 [users, items], 1 where the user met the item, however often."""
    # Adding up duplicates moves the rows' ends in place, and the events' own must stay where they are.
    matrix = csr_array(
        (np.ones(len(events.items), dtype=np.float32), events.items, events.offsets),
        shape=(events.num_users, items),
        copy=True,
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
