"""What the generated events come from: the latent factors, and the probabilities they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.training.generator.vectors import Factors, unit

# How much more a reader wants a book in the middle of the taste than one at a right angle to it, in log-odds.
TASTE_STRENGTH = 8.0
# How much the book just read draws towards what follows from it, within a session, in log-odds.
SEQUENCE_STRENGTH = 7.0
# The utility at which a coin decides between like and dislike; what readers choose for themselves mostly exceeds it.
LIKED_THRESHOLD = 3.5


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The latent model, after the multinomial logit of choice (McFadden 1974).

    Attributes:
        first_tastes: [users, d] unit vectors, the taste of each user when the period begins.
        last_tastes: [users, d] unit vectors, the taste when it ends; between the two, taste moves evenly.
        item_factors: [items, d] unit vectors, what each item is about.
        follow_factors: [items, d] unit vectors, what each item makes one want next.
        quality: [items], what everybody likes about an item, in log-odds; at least 0, with a long tail.
        released_at: int64 [items], non-decreasing, milliseconds since 1970-01-01T00:00:00Z.
    """

    first_tastes: Factors
    last_tastes: Factors
    item_factors: Factors
    follow_factors: Factors
    quality: Factors
    released_at: npt.NDArray[np.int64]

    def preference(
        self, users: npt.NDArray[np.integer], items: npt.NDArray[np.integer], progress: npt.ArrayLike = 1.0
    ) -> npt.NDArray[np.float64]:
        """The probability that a user who takes up an item likes it.

        Args:
            users: rows of users, of any shape that broadcasts with `items`.
            items: rows of items.
            progress: how far the period has gone, from 0 to 1, of any shape that broadcasts with `users`.

        Returns:
            Probabilities in the shape to which the arguments broadcast.
        """
        tastes = self._tastes(users, np.asarray(progress, dtype=np.float32))
        affinity = (tastes * self.item_factors[items]).sum(axis=-1)
        utility = TASTE_STRENGTH * affinity.astype(np.float64) + self.quality[items]
        return np.asarray(1.0 / (1.0 + np.exp(LIKED_THRESHOLD - utility)))

    def choice_logits(
        self, users: npt.NDArray[np.integer], previous: npt.NDArray[np.integer], progress: npt.NDArray[np.float32]
    ) -> Factors:
        """How strongly each item draws each user now: the softmax over allowed items gives the next choice.

        Args:
            users: [n] rows of users.
            previous: [n] rows of the items just read in the same session, -1 at the start of a session.
            progress: [n] how far the period has gone, from 0 to 1.

        Returns:
            float32 [n, items]. Items that are not released yet or were read before have a value all the same: leaving
            them out is for the caller.
        """
        sequence_strength = np.where(previous >= 0, SEQUENCE_STRENGTH, 0)[:, None]
        pull = TASTE_STRENGTH * self._tastes(users, progress) + sequence_strength * self.follow_factors[previous]
        # One small product for each user: a larger one is shared among threads, and where the cores are busy those
        # wait for one another several times longer than the product takes.
        logits: Factors = (pull.astype(np.float32)[:, None, :] @ self.item_factors.T)[:, 0]
        logits += self.quality
        return logits

    def _tastes(self, users: npt.NDArray[np.integer], progress: npt.NDArray[np.float32]) -> Factors:
        share = progress[..., None]
        moved = (1 - share) * self.first_tastes[users] + share * self.last_tastes[users]
        return unit(moved)
