"""What the stages of one request passed on: an answer that can be looked into."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.gateway.answer import Answer
from services.gateway.candidates import Candidates
from services.gateway.neighbours import User
from services.gateway.restrictions import Restrictions
from services.gateway.selection import Scored


# A tuple, like a Recommendation: every request makes one, and hardly any is looked into.
class Trace(NamedTuple):
    """What each stage made of a request.

    Attributes:
        user: As recall and ranking were told.
        restrictions: What must not be shown.
        found: What recall found, best first; what is popular where recall was done without.
        features: float32 [candidates, item features], in the order of `scored`; None where they were done without.
        scored: What passed the filters, in recall's order, and what it is ordered by.
        answer: What the caller is told.
    """

    user: User
    restrictions: Restrictions
    found: Candidates
    features: NDArray[np.float32] | None
    scored: Scored
    answer: Answer
