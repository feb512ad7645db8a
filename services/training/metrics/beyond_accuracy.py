"""What lists are like apart from being right: how varied, how personal, how bound to what is popular."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.training.metrics.lists import NO_ITEM

Lists = npt.NDArray[np.integer]
PerQuery = npt.NDArray[np.float64]

# Bounds the item vectors that are gathered at a time to about 128 MB.
_NUMBERS_PER_BATCH = 16_000_000


def novelty(recommended: Lists, counts: npt.NDArray[np.integer], users: int) -> PerQuery:
    """The mean self-information of each list's items, in bits: log2(users / users who met the item).

    Zhou et al., PNAS 2010. An item that nobody met counts as if one user had, so that no list is infinitely novel.

    Args:
        recommended: [queries, k] item rows, `NO_ITEM` where a list has ended.
        counts: [items], how many users met each.
        users: how many there are, at least 1.

    Returns:
        float64 [queries]; 0 for an empty list.
    """
    bits = np.log2(users / np.maximum(counts, 1))
    return _mean_over_items(recommended, bits)


def mean_popularity(recommended: Lists, counts: npt.NDArray[np.integer]) -> PerQuery:
    """How many users met the items of each list, on average: a popularity bias where it far exceeds the histories'.

    Args:
        recommended: [queries, k] item rows, `NO_ITEM` where a list has ended.
        counts: [items], how many users met each.

    Returns:
        float64 [queries]; 0 for an empty list.
    """
    return _mean_over_items(recommended, counts.astype(np.float64))


def exposure_gini(recommended: Lists, num_items: int) -> float:
    """How unequally places are given to items: 0 where all have as many, near 1 where one has all.

    The Gini coefficient of the number of lists that each item of the catalogue is in.

    Args:
        recommended: [queries, k] item rows, `NO_ITEM` where a list has ended.
        num_items: the size of the catalogue, at least 1.
    """
    exposures = np.sort(_exposures(recommended, num_items))
    total = exposures.sum()
    if not total:
        return 0.0
    places = np.arange(1, num_items + 1)
    return float((2 * places - num_items - 1) @ exposures / (num_items * total))


def personalisation(recommended: Lists, num_items: int) -> float:
    """1 less the mean overlap of two users' lists: 0 where all get the same, 1 where no two share an item.

    The overlap of two lists is the number of items that both have over k. An item that is in c lists is shared by
    c (c - 1) / 2 pairs, which gives the exact mean over all pairs without looking at any of them.

    Args:
        recommended: [queries, k] item rows, distinct within a list, `NO_ITEM` where a list has ended.
        num_items: the size of the catalogue.

    Raises:
        ValueError: there are fewer than two lists.
    """
    queries, k = recommended.shape
    if queries < 2:
        raise ValueError("personalisation compares lists, and there are fewer than two")
    exposures = _exposures(recommended, num_items).astype(np.float64)
    shared = (exposures * (exposures - 1) / 2).sum()
    return float(1 - shared / (k * queries * (queries - 1) / 2))


def intra_list_diversity(recommended: Lists, vectors: npt.NDArray[np.floating]) -> PerQuery:
    """1 less the mean cosine of two items of the same list (Ziegler et al., WWW 2005, with cosines of item vectors).

    The squared length of the sum of unit vectors holds all their products, so no pair is looked at.

    Args:
        recommended: [queries, k] item rows, `NO_ITEM` where a list has ended.
        vectors: [items, dimension]; an item whose vector is zero is like no other.

    Returns:
        float64 [queries], from 0 to 2; 0 for a list of fewer than two items.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    unit = np.divide(vectors, lengths[:, None], out=np.zeros(vectors.shape), where=lengths[:, None] > 0)
    batch = max(1, _NUMBERS_PER_BATCH // max(1, recommended.shape[1] * vectors.shape[1]))
    parts = [_diversity(recommended[start : start + batch], unit) for start in range(0, len(recommended), batch)]
    return np.concatenate(parts) if parts else np.empty(0)


def _diversity(recommended: Lists, unit: npt.NDArray[np.float64]) -> PerQuery:
    present = recommended != NO_ITEM
    chosen = unit[np.where(present, recommended, 0)] * present[:, :, None]
    together = np.square(chosen.sum(axis=1)).sum(axis=1)
    with_itself = np.square(chosen).sum(axis=(1, 2))
    count = present.sum(axis=1)
    pairs = count * (count - 1)
    return np.where(pairs > 0, 1 - (together - with_itself) / np.maximum(pairs, 1), 0.0)


def _exposures(recommended: Lists, num_items: int) -> npt.NDArray[np.int64]:
    return np.bincount(recommended[recommended != NO_ITEM], minlength=num_items).astype(np.int64)


def _mean_over_items(recommended: Lists, values: npt.NDArray[np.float64]) -> PerQuery:
    present = recommended != NO_ITEM
    found = np.where(present, values[np.where(present, recommended, 0)], 0.0)
    mean: PerQuery = found.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return mean
