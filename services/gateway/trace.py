"""What the stages of one request passed on: an answer that can be looked into."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.gateway.answer import Answer
from services.gateway.candidates import Candidates
from services.gateway.live_items.stand_ins import RankedRows
from services.gateway.neighbours import User
from services.gateway.restrictions import Restrictions
from services.gateway.selection import Scored


# A tuple, like a Recommendation: every request makes one, and hardly any is looked into.
class Trace(NamedTuple):
    """What each stage made of a request.

    Attributes:
        user: As recall was told; ranking was told nothing of items in the history that the models do not know.
        restrictions: What must not be shown.
        found: What recall found, best first; what is popular where recall was done without.
        ranked_rows: What the candidates were ranked as.
        features: float32 [m, item features], of the m rows that they were ranked as, where the request is explained; None
            where they were done without, or nobody asked.
        scored: What passed the filters, in recall's order, and what it is ordered by.
        answer: What the caller is told.
    """

    user: User
    restrictions: Restrictions
    found: Candidates
    ranked_rows: RankedRows
    features: NDArray[np.float32] | None
    scored: Scored
    answer: Answer
