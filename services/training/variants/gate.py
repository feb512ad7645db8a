"""The gate that a variant of the ranker must pass to be part of a snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from services.training.config import TrainingConfig, VariantConfig
from services.training.evaluation import RankedQueries
from services.training.golden import ranking_inputs
from services.training.metrics.lists import NO_ITEM
from services.training.models import Features
from services.training.variants.agreement import Agreement, agree
from services.training.variants.conversion import WRITERS, Precision
from shared.onnx_session import OnnxModel
from shared.snapshot.golden import TOLERANCE, GoldenRequests
from shared.snapshot.graphs import RANKER
from shared.snapshot.manifest import RankerVariant

#: As many lists as stay in the processor's cache.
_LISTS_AT_A_TIME = 8

#: A replayed golden score may be this many times further off than the furthest of all that were compared: other
#: processors round differently. No variant is held to less than ten times what the full precision is.
_MARGIN = 2.0
_LEAST_TOLERANCE = 10 * TOLERANCE


@dataclass(frozen=True, slots=True)
class JudgedVariant:
    """A variant and what the gate said.

    Attributes:
        agreement: How far it agrees with the full precision.
        problem: Why it is left out, by how much; empty for one that passed.
        entry: Of the manifest; None for one that is left out.
    """

    agreement: Agreement
    problem: str
    entry: RankerVariant | None


Variants = Mapping[Precision, JudgedVariant]


def accepted(variants: Variants) -> tuple[RankerVariant, ...]:
    """Returns the manifest's entries of those that passed."""
    return tuple(one.entry for one in variants.values() if one.entry)


def agreement_table(variants: Variants) -> dict[str, dict[str, float]]:
    """Returns the figures of all variants, kept or not."""
    return {precision: {**asdict(one.agreement), "kept": float(not one.problem)} for precision, one in variants.items()}


def problems(variants: Variants) -> dict[str, str]:
    """Returns why those that are left out are."""
    return {precision: one.problem for precision, one in variants.items() if one.problem}


def write_variants(
    folder: Path,
    model: str,
    ranked: RankedQueries,
    *,
    features: Features,
    golden: GoldenRequests,
    config: TrainingConfig,
) -> Variants:
    """Converts the ranker, judges what came out on validation queries, and leaves the files of those that pass.

    Args:
        folder: Of the snapshot.
        model: Path of the ranker in it.
        ranked: Validation queries with their candidates, scored in full precision.
        features: Of users and items.
        golden: What the ranker must give.
        config: Of the job.
    """
    judged = ranked.sample(config.variants.queries, config.seed)
    variants: dict[Precision, JudgedVariant] = {}
    for precision in config.variants.precisions:
        path = (Path(model).parent / f"{precision}.onnx").as_posix()
        WRITERS[precision](folder / model, folder / path)
        graph = RANKER.open(folder / path, threads=1)
        agreement = agree(judged.listed, judged.scores, _score(graph, judged, features, max(1, config.threads)))
        problem = find_problem(agreement, config.variants)
        entry = None
        if problem:
            (folder / path).unlink()
        else:
            furthest = max(agreement.largest, _golden_deviation(graph, golden, features))
            entry = RankerVariant(
                precision=precision,
                model=path,
                tolerance=max(_MARGIN * furthest, _LEAST_TOLERANCE),
                spearman=agreement.spearman,
                overlap=agreement.overlap,
                ndcg_loss=agreement.ndcg_loss,
            )
        variants[precision] = JudgedVariant(agreement, problem, entry)
    return variants


def find_problem(agreement: Agreement, config: VariantConfig) -> str:
    """Returns which bounds a variant breaks and by how much, or "" where it breaks none."""
    found = []
    if not math.isfinite(agreement.largest):
        found.append("it gives scores that are not finite")
    if agreement.ndcg_loss > config.max_ndcg_loss:
        found.append(
            f"it loses {agreement.ndcg_loss:.2%} (± {agreement.ndcg_loss_error:.2%}) of NDCG@10, and {config.max_ndcg_loss:.2%} is allowed"
        )
    if agreement.spearman < config.min_spearman:
        found.append(f"its rank correlation is {agreement.spearman:.4f}, and {config.min_spearman:.4f} is wanted")
    if agreement.overlap < config.min_overlap:
        found.append(f"it shares {agreement.overlap:.2%} of the first ten, and {config.min_overlap:.2%} are wanted")
    return "; ".join(found)


def _score(graph: OnnxModel, ranked: RankedQueries, features: Features, threads: int) -> npt.NDArray[np.float32]:
    """Returns the scores of the first objective: float32 [queries, places]."""
    listed = ranked.listed

    def score(start: int) -> npt.NDArray[np.float32]:
        part = slice(start, start + _LISTS_AT_A_TIME)
        lists = listed.lists[part]
        candidates = np.where(lists == NO_ITEM, 0, lists).ravel()
        scores = graph(
            history=listed.history[part],
            user_features=features.users[listed.users[part]],
            candidates=candidates,
            candidate_features=features.items.matrix[candidates],
            candidate_query=np.repeat(np.arange(len(lists)), lists.shape[1]),
        )
        return scores[:, 0].reshape(lists.shape)

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(score, range(0, len(listed), _LISTS_AT_A_TIME))))


def _golden_deviation(graph: OnnxModel, golden: GoldenRequests, features: Features) -> float:
    """Returns how far the furthest golden score is off."""
    return max(
        float(np.abs(graph(**ranking_inputs(one, features.items.matrix)) - np.asarray(one.scores)).max(initial=0.0))
        for one in golden.ranker
    )
