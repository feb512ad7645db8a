"""Where what came next is lost on its way through the funnel: the same users, stage by stage."""

from dataclasses import dataclass

import numpy as np

from services.cli.report_page.figures import Stage
from services.cli.report_page.headlines import beside_offline
from services.cli.report_page.measurement import Rows
from services.cli.report_page.searching import Searched
from services.training.metrics import hit_rate, ndcg
from services.training.recall_lists import Lists, rank_in_lists

#: The rank of what a list does not hold.
MISSED = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Ranks:
    """The rank of what came next after each stage, from 1: int64 [users]; `MISSED` where it is lost.

    Attributes:
        merged: In the channels' lists by exact search, merged.
        merged_index: In those through the indexes, merged.
        retrieved: In recall's answers.
        retrieved_ranked: In recall's answers, in the order of the ranker.
        offline: In the merged lists by exact search, in the order of the ranker: what training's report measures.
        served: In the gateway's answers.
    """

    merged: Rows
    merged_index: Rows
    retrieved: Rows
    retrieved_ranked: Rows
    offline: Rows
    served: Rows


def ranks_in(lists: Lists, targets: Rows) -> Rows:
    """Returns the place of each target in its list, from 1; `MISSED` where it is not there."""
    return rank_in_lists(lists, targets, MISSED)


def stages(searched: Searched, targets: Rows, ranks: Ranks) -> tuple[Stage, ...]:
    """Returns what is left after each stage, from exact search to what is served.

    Args:
        searched: What the channels find.
        targets: int64 [users], what came next.
        ranks: After each stage.
    """
    size = searched.size
    return (
        Stage(
            "Exact search",
            f"the best {size:,} unseen items of each channel together, by comparing with every item",
            candidates=_found_by_any(searched.exact, targets),
        ),
        Stage(
            "Annoy",
            "the same lists through the approximate indexes, searched as deep as recall would",
            candidates=_found_by_any(searched.through_index, targets),
        ),
        _stage(
            "Quotas and merge",
            f"those lists merged into one of {size:,} by the channels' quotas, in recall's order",
            ranks.merged_index,
            size,
        ),
        _stage(
            "Recall as served",
            "real calls of the recall service, which compares with every item where that is quicker than an index",
            ranks.retrieved,
            size,
        ),
        _stage(
            "Ranking",
            "those candidates in the ranker's order, computed from the snapshot's files",
            ranks.retrieved_ranked,
            size,
        ),
        _stage(
            "Served",
            "real calls of the gateway: filters, selection, and features from the feature store",
            ranks.served,
            None,
        ),
    )


def offline_stage(ranks: Ranks, size: int) -> Stage:
    """Returns what training's own evaluation would find for the same users."""
    return _stage(
        "Offline, same people",
        "for comparison, as training measures: exact search, merge, ranker, without any service",
        ranks.offline,
        size,
    )


def stages_verdict(ranks: Ranks) -> str:
    """Returns what explains the difference between served and offline, in sentences."""
    served, offline, merged = (
        float(hit_rate(one, 10).mean()) for one in (ranks.served, ranks.offline, ranks.retrieved_ranked)
    )
    first = f"HR@10: {beside_offline(served, offline)} ({served:.4f} and {offline:.4f})."
    if served == merged == offline:
        return f"{first} Nothing is lost between the two."
    return (
        f"{first} Of the difference of {served - offline:+.4f}, {merged - offline:+.4f} is because recall answered with "
        f"other candidates than exact search and merge would give, and {served - merged:+.4f} is from what the gateway "
        "does after recall."
    ).replace("-0.", "\N{MINUS SIGN}0.")


def _found_by_any(lists: dict[str, Lists], targets: Rows) -> float:
    return float(np.any([(one == targets[:, None]).any(axis=1) for one in lists.values()], axis=0).mean())


def _stage(name: str, meaning: str, ranks: Rows, size: int | None) -> Stage:
    return Stage(
        name,
        meaning,
        candidates=None if size is None else float(hit_rate(ranks, size).mean()),
        hundred=float(hit_rate(ranks, 100).mean()),
        hit_rate=float(hit_rate(ranks, 10).mean()),
        ndcg=float(ndcg(ranks, 10).mean()),
    )
