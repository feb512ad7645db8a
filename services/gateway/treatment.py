"""How a request is served where it does not say itself: by the gateway's settings, or by an arm of an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

#: The names that a policy may give instead of a snapshot's id.
CURRENT = "current"
PREVIOUS = "previous"


@dataclass(frozen=True)
class Policy:
    """How answers are made. What a request says itself takes precedence.

    Attributes:
        weights: How much an objective counts, by name; 1 where it is not named.
        diversity: In [0, 1].
        exploration: The temperature of the draw; 0: the best items are shown.
        explored: How many of the best candidates are drawn from.
        max_candidates: How many candidates are ranked.
        snapshot: "current", "previous" or an id.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    diversity: float = 0.0
    exploration: float = 0.0
    explored: int = 100
    max_candidates: int = 500
    snapshot: str = CURRENT


@dataclass(frozen=True, slots=True)
class Treatment:
    """What one request gets.

    Attributes:
        policy: How it is served.
        arm: The experiment and its arm, such as `variety/high`; empty where it is in none.
        seed: What is drawn by chance is drawn from it: the same for the same seed.
    """

    policy: Policy
    arm: str = ""
    seed: str = ""

    def objective_weights(self, asked: Mapping[str, float], objectives: Sequence[str]) -> list[float]:
        """Returns how much each objective counts: as asked, or else by the policy.

        Args:
            asked: By name.
            objectives: In the order that is wanted.
        """
        weighed = {**self.policy.weights, **asked}
        return [weighed.get(objective, 1.0) for objective in objectives]

    @property
    def unexplored(self) -> "Treatment":
        """The same without chance: the best items are shown."""
        return replace(self, policy=replace(self.policy, exploration=0.0))


#: What a request gets where nothing is configured and no experiment runs.
UNTREATED = Treatment(Policy())
