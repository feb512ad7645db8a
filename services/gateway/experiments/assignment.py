"""Who is in which arm: by a salted hash of the user's id, so that nobody has to be remembered.

A user's first hash is a point in [0, 1) and says which experiment: they take consecutive parts of it, in the order of
the file, so that a user is in one alone. A second hash, with the experiment's own salt, is a point that says which arm:
arms take consecutive parts from 0 up, the holdout the part below 1. So what is appended to the file takes users from
nobody but those who were in nothing.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from services.gateway.experiments.definition import HOLDOUT, Arm, Experiment, Experiments
from services.gateway.treatment import Policy, Treatment

_AMONG_EXPERIMENTS = b"experiments"
_AMONG_ARMS = b"arms"


@dataclass(frozen=True)
class _Split:
    """A running experiment: where the part of each arm ends, its label and its policy, and where the holdout begins."""

    salt: str
    arms: tuple[tuple[float, str, Policy], ...]
    holdout_from: float
    holdout: str

    def of(self, user_id: str, default: Policy) -> tuple[str, Policy]:
        point = point_of(self.salt, user_id, _AMONG_ARMS)
        for end, label, policy in self.arms:
            if point < end:
                return label, policy
        return (self.holdout, default) if point >= self.holdout_from else ("", default)


class Assignment:
    """Tells how each request is served.

    Args:
        experiments: What runs.
        default: How requests are served that are in no experiment, and those that are held out.
    """

    def __init__(self, experiments: Experiments, default: Policy) -> None:
        self._salt = experiments.salt
        self._default = default
        self._untracked = replace(default, exploration=0.0)
        ends = accumulate(one.share for one in experiments.experiments)
        self._parts = [(end, _split(one, default)) for end, one in zip(ends, experiments.experiments, strict=True)]

    def treat(self, user_id: str, request_id: str, untracked: bool = False) -> Treatment:
        """Returns what a request gets.

        Args:
            user_id: Who asks; empty for nobody in particular, who is in no experiment.
            request_id: What chance depends on.
            untracked: Whether the request is in no experiment, and not explored.
        """
        if untracked:
            return Treatment(self._untracked)
        if not user_id or not self._parts:
            return Treatment(self._default, seed=request_id)
        arm, policy = self._assign(user_id)
        return Treatment(policy, arm, request_id)

    def arm_of(self, user_id: str) -> str:
        """Returns the experiment and arm of a user, such as `variety/high`; empty where the user is in none."""
        return self._assign(user_id)[0]

    def without_arm(self, request_id: str) -> Treatment:
        """Returns what a request gets whose arm cannot be served."""
        return Treatment(self._default, seed=request_id)

    def _assign(self, user_id: str) -> tuple[str, Policy]:
        point = point_of(self._salt, user_id, _AMONG_EXPERIMENTS)
        for end, split in self._parts:
            if point < end:
                return ("", self._default) if split is None else split.of(user_id, self._default)
        return "", self._default


def point_of(salt: str, user_id: str, split: bytes) -> float:
    """Returns a point in [0, 1) that looks drawn by chance and is the same each time.

    Args:
        salt: Another one gives points that have nothing to do with these.
        user_id: Whose.
        split: What is split, with the same effect: the two hashes of a user must differ where their salts are alike.
    """
    digest = hashlib.blake2b(f"{salt}\0{user_id}".encode(), digest_size=8, person=split).digest()
    # 53 bits are what a float holds: all 64 could round up to 1.
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def labels_of(experiment: Experiment) -> Iterable[str]:
    """Yields what each arm is recorded as, the holdout last where there is one."""
    for name in (*(arm.name for arm in experiment.arms), *([HOLDOUT] if experiment.holdout else [])):
        yield f"{experiment.name}/{name}"


def _split(experiment: Experiment, default: Policy) -> _Split | None:
    if experiment.ended:
        return None
    ends = accumulate(arm.share for arm in experiment.arms)
    arms = tuple(
        (end, f"{experiment.name}/{arm.name}", _changed(default, arm))
        for end, arm in zip(ends, experiment.arms, strict=True)
    )
    return _Split(experiment.salt or experiment.name, arms, 1.0 - experiment.holdout, f"{experiment.name}/{HOLDOUT}")


def _changed(default: Policy, arm: Arm) -> Policy:
    return replace(
        default,
        weights={**default.weights, **arm.objective_weights},
        diversity=default.diversity if arm.diversity is None else arm.diversity,
        exploration=default.exploration if arm.exploration is None else arm.exploration,
        max_candidates=default.max_candidates if arm.max_candidates is None else arm.max_candidates,
        snapshot=arm.snapshot,
    )
