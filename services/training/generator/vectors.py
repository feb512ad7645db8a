"""Latent vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Factors = npt.NDArray[np.float32]


def unit(vectors: npt.NDArray[np.floating]) -> Factors:
    """Scale every vector along the last axis to length 1, as float32."""
    scaled: Factors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return scaled
