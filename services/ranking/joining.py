"""Whether it pays to score several requests in one run of the model: found out with the model at hand."""

import time
from collections.abc import Callable

from services.ranking.batch import ScoringBatch, join
from services.ranking.ranker import Ranker

_REQUESTS = 4
_ROUNDS = 5


def joining_pays(ranker: Ranker, request: ScoringBatch, clock: Callable[[], float] = time.perf_counter) -> bool:
    """Returns whether some requests are scored sooner in one run, their numbers laid end to end for it, than in several.

    What a run costs whatever it scores is saved by joining, and what is joined is copied. A ranker that encodes
    histories and looks items up takes 120 us for one candidate, and of four requests joining saves half of that for
    each; one that only multiplies takes 15 us, and joining makes it slower at any size. So one size tells.

    Args:
        ranker: On the CPU.
        request: What a request is like, of a size at which a run's own cost still shows.
        clock: Monotonic, in seconds.
    """
    requests = [request] * _REQUESTS

    def joined() -> None:
        ranker.score(join(requests))

    def apart() -> None:
        for one in requests:
            ranker.score(one)

    # In turns, and the quickest of each: whatever else the machine does meanwhile only makes a round longer.
    rounds = [(_seconds(joined, clock), _seconds(apart, clock)) for _ in range(_ROUNDS)]
    return min(together for together, _ in rounds) <= min(each for _, each in rounds)


def _seconds(work: Callable[[], None], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started
