"""Every protocol, by name. Adding one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from services.training.benchmark import recall_tasks
from services.training.benchmark.candidate_protocol import CandidateProtocol
from services.training.benchmark.cold_protocol import ColdItemProtocol
from services.training.benchmark.ctr_protocol import CtrProtocol
from services.training.benchmark.protocol import BenchmarkProtocol
from services.training.benchmark.rating_protocol import RatingProtocol
from services.training.benchmark.recall_protocol import RecallProtocol
from services.training.benchmark.time_folds_protocol import TimeFoldsProtocol

_SEQUENCES = "any data set whose events have an order (ml-1m, beauty)"
_PROTOCOLS: tuple[BenchmarkProtocol, ...] = (
    CandidateProtocol(
        RecallProtocol(
            "ncf",
            "the last item of each user among the 99 negatives that the NCF paper drew: HR@10, NDCG@10",
            "any data set, with ncf_test.txt (ml-1m)",
            recall_tasks.ncf,
        ),
    ),
    CandidateProtocol(
        RecallProtocol(
            "sampled-negatives",
            "the last item of each user among 99 unmet items that the seed draws: HR@10, NDCG@10",
            _SEQUENCES,
            recall_tasks.sampled_negatives,
        ),
    ),
    RecallProtocol(
        "next-item",
        "the last item of each user in the full catalogue, the one before it for validation: HR@10, NDCG@10",
        _SEQUENCES,
        recall_tasks.next_item,
    ),
    RecallProtocol(
        "top-n",
        "all test items of each user in the full catalogue: Recall@20, NDCG@20",
        "train.txt and test.txt, optionally valid.txt (gowalla)",
        recall_tasks.top_n,
    ),
    RecallProtocol(
        "time-split",
        "what each user met in the newest fifth of all events, in the full catalogue: Recall@20, NDCG@20",
        "any data set with timestamps (ml-100k)",
        recall_tasks.time_split,
    ),
    TimeFoldsProtocol(),
    RatingProtocol(),
    ColdItemProtocol(),
    CtrProtocol(),
)

PROTOCOLS: Mapping[str, BenchmarkProtocol] = {protocol.name: protocol for protocol in _PROTOCOLS}
