"""The low frequencies of the graph of who met what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from scipy.sparse import csr_array, diags_array

from services.training.recall.binary_history import BinaryHistoryEncoder
from services.training.recall.factorisation import truncated_svd
from services.training.recall.interaction_matrix import interaction_matrix
from services.training.recall.model import FitContext, ModelConfig, RecallData, RecallFamily, RecallModel


class SpectralConfig(ModelConfig):
    """How much of the spectrum is kept, and how far degrees are evened out before."""

    dimension: int = Field(default=256, ge=1, description="Singular vectors kept: the cut-off frequency.")
    user_exponent: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Each person's row is divided by their count to this power; GF-CF has 0.5.",
    )
    item_exponent: float = Field(
        default=0.4, ge=0, le=1, description="Each item's column is divided by its count to this power; GF-CF has 0.5."
    )
    popularity_discount: float = Field(
        default=0.0, ge=0, le=1, description="An item's score is divided by its count to this power; GF-CF has 0."
    )
    damping: float = Field(
        default=0.0,
        ge=0,
        description="How softly frequencies are cut off: one of singular value s counts s^2 / (s^2 + damping s1^2), with "
        "s1 the largest; 0: all that are kept count alike.",
    )
    recency: float = Field(
        default=0.0,
        ge=0,
        le=2,
        description="An item of a history counts its age in events to minus this power; 0: order means nothing.",
    )
    sharpening: float = Field(
        default=0.0,
        ge=0,
        description="How long scores are sharpened, so that items step out from their likes; BSPM has 2.5.",
    )


def fit_spectral(data: RecallData, config: SpectralConfig, context: FitContext) -> RecallModel:
    """Passes histories through the ideal low-pass filter of the normalised graph (GF-CF; Shen et al., CIKM 2021).

    With V the first right singular vectors of the normalised matrix and D the items' counts, a history r scores
    r D^-item_exponent V F V' D^(item_exponent - popularity_discount): a query is the sum of a vector for each item of the
    history, newer ones counting more where there is `recency`. F is one, or falls with the frequency where there is
    `damping`. How far degrees are evened out is chosen for users and items apart (Peng et al., KDD 2024), which on sparse
    data is worth more than GF-CF's other term, the unlimited linear filter; `services.training.recall.graph_filters` has
    that one for comparison. BSPM's sharpening (Choi et al., SIGIR 2023) is linear, and so is done to the items' vectors
    once, in full.

    Raises:
        Unsuitable: nobody met anything.
    """
    with context.display.stage("decompose the graph", 1) as advance:
        matrix = interaction_matrix(data.events, len(data.items))
        normalised = normalised_by_degree(matrix, config.user_exponent, config.item_exponent)
        factors = truncated_svd(normalised, config.dimension, context.seed)
        vectors = factors.right
        advance(f"{vectors.shape[1]} frequencies")
    evened = degree_power(matrix, 0, config.item_exponent)[:, None]
    scoring = sharpened(normalised_by_degree(matrix, 0.5, 0.5), vectors * evened, config.sharpening)
    discount = degree_power(matrix, 0, config.popularity_discount)[:, None]
    damped = vectors * passed(factors.values, config.damping)
    encoder = BinaryHistoryEncoder(torch.as_tensor(damped / evened), config.recency)
    return RecallModel(encoder.eval(), scoring / discount)


def passed(values: npt.NDArray[np.float32], damping: float) -> npt.NDArray[np.float32]:
    """Returns how much of each frequency is let through: that of ridge regression, which is EASE without its diagonal.

    Args:
        values: float32 [dimension], singular values above 0, largest first.
        damping: 0 lets all through in full.

    Returns:
        float32 [dimension], above 0 and at most 1.
    """
    power = values**2
    return np.asarray(power / (power + np.float32(damping) * power[0]), dtype=np.float32)


def normalised_by_degree(matrix: csr_array, user_exponent: float, item_exponent: float) -> csr_array:
    """Divides rows and columns by powers of their counts: float32 [users, items]."""
    users, items = degree_power(matrix, 1, user_exponent), degree_power(matrix, 0, item_exponent)
    return csr_array(diags_array(1.0 / users) @ matrix @ diags_array(1.0 / items), dtype=np.float32)


def sharpened(normalised: csr_array, signal: npt.NDArray[np.float32], time: float) -> npt.NDArray[np.float32]:
    """Runs dx/dt = -(linear filter of x), which takes from an item what those have that are met by the same people.

    One step of any fourth-order Runge-Kutta method, which is what BSPM takes on sparse data, gives the first five terms of
    the exponential series.

    Args:
        normalised: float32 [users, items], from `normalised_by_degree`.
        signal: float32 [items, n].
        time: How long; 0 changes nothing.
    """
    transposed = normalised.T.tocsr()
    term = total = signal
    for order in range(1, 5 if time else 1):
        term = transposed @ (normalised @ term) * np.float32(-time / order)
        total = total + term
    return np.asarray(total)


def degree_power(matrix: csr_array, axis: int, exponent: float) -> npt.NDArray[np.float32]:
    """Returns the counts of each column (axis 0) or row (axis 1) to a power; nobody's count is taken for 1.

    Args:
        matrix: float32 [users, items], 1 where a user met an item.
        axis: What is summed over.
        exponent: Of the counts.
    """
    counts = np.maximum(np.asarray(matrix.sum(axis=axis), dtype=np.float32), 1.0)
    return counts ** np.float32(exponent)


SPECTRAL = RecallFamily(
    name="spectral",
    summary="Ideal low-pass filter of the interaction graph, by truncated SVD (GF-CF; Shen et al., CIKM 2021)",
    config=SpectralConfig,
    fit=fit_spectral,
)
