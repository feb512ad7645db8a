"""What candidates are ranked as. The models know no item that came after them: the known items most like it stand in.

Its score is the mean over the scores of its stand-ins, each of which is asked for once, whoever it stands in for.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.gateway.candidates import Candidates, Rows
from services.gateway.live_items.snapshot import LiveSnapshot
from services.gateway.neighbours import User
from services.gateway.snapshot import GatewaySnapshot

#: Rows of one question at most, of the contracts of ranking and of the feature store.
MAX_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class RankedRows:
    """The rows to score for some candidates.

    Attributes:
        candidates: The candidates.
        rows: uint32 [m], all known to the models: those of the candidates, in their order, where none is live; otherwise
            each once.
        places: int64 [candidates, stand-ins], which of the rows each candidate is ranked as, the last of them repeated;
            None where they are the candidates' own.
    """

    candidates: Candidates
    rows: Rows
    places: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, candidates: Candidates, limit: int = MAX_ROWS) -> "RankedRows":
        """Returns what to ask; of stand-ins no more than leave the rows within the limit, the least alike first."""
        if candidates.stand_ins is None:  # the usual case
            return cls(candidates, candidates.rows)
        for width in range(candidates.stand_ins.shape[1], 0, -1):
            rows, places = np.unique(candidates.stand_ins[:, :width], return_inverse=True)
            if len(rows) <= limit:
                break
        return cls(candidates, rows, places.reshape(len(candidates), width).astype(np.int64))

    def reduce(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns, of values of the rows, the mean over what each candidate is ranked as.

        Args:
            values: float32 [m, columns].

        Returns:
            float32 [candidates, columns]; not finite where the value of a stand-in is not.
        """
        if self.places is None:
            return values
        counts = np.ones(self.places.shape, dtype=np.bool_)
        counts[:, 1:] = self.places[:, 1:] != self.places[:, :-1]
        own = values[self.places[:, 0]]
        alone = ~counts[:, 1:].any(axis=1)
        weights = counts / counts.sum(axis=1, keepdims=True)
        means: NDArray[np.float32] = np.einsum("cs,cso->co", weights, values[self.places]).astype(np.float32)
        means[alone] = own[alone]  # to the last bit
        return means


def with_stand_ins(candidates: Candidates, snapshot: GatewaySnapshot) -> Candidates:
    """Returns candidates that recall did not find, with stand-ins: of changed items what they were in the snapshot.

    New items have none, and are left out: without recall nobody can say what they are like.
    """
    if not isinstance(snapshot, LiveSnapshot):
        return candidates
    live = candidates.rows >= snapshot.items
    if not live.any():
        return candidates
    ranked_as = candidates.rows.astype(np.int64)
    ranked_as[live] = snapshot.former_rows(candidates.rows[live])
    kept = candidates.take(ranked_as >= 0)
    return replace(kept, stand_ins=ranked_as[ranked_as >= 0].astype(np.uint32)[:, np.newaxis])


def known_user(user: User, items: int) -> User:
    """Returns a user without that part of the history which the models do not know: rows from `items` on."""
    history = user.history
    if not len(history) or int(np.maximum.reduce(history)) < items:  # the usual case
        return user
    return replace(user, history=history[history < items])
