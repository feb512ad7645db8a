"""What came of an experiment, arm by arm, and how sure that is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from services.cli.experiments.outcomes import TYPES, ArmOutcomes
from services.cli.experiments.statistics import (
    Difference,
    Interval,
    bootstrap,
    difference_of,
    interval_of,
    split_p_value,
)
from services.gateway.experiments.definition import HOLDOUT
from shared.events import EventType

#: Below it, the users are not split as the file says: once in a thousand experiments by chance.
MISMATCH = 0.001


@dataclass(frozen=True)
class Asked:
    """How sure to be.

    Attributes:
        confidence: Of intervals, in (0, 1).
        draws: How often users are drawn anew.
        seed: Of these draws.
    """

    confidence: float = 0.95
    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class ByChance:
    """What exploration tells: the reward of an item that the arm showed, and of one drawn uniformly in its place.

    Attributes:
        items: How many items were drawn by chance.
        effective_items: As how many of equal weight they tell of the uniform draw (Kish, 1965): far fewer than `items`
            where some were very improbable.
        shown: Reward per item as shown.
        uniform: Reward per item had each place been drawn uniformly from the same candidates, by self-normalised
            inverse propensities (SNIPS; Swaminathan and Joachims, 2015).
    """

    items: int
    effective_items: float
    shown: Interval
    uniform: Interval


@dataclass(frozen=True)
class ArmReport:
    """What came of an arm.

    Attributes:
        arm: Its name.
        users: How many were shown something in it.
        exposures: How many answers they were shown.
        degraded: The share of these that did without something.
        events: Events per answer, by type; types that no arm has are left out.
        reward_per_exposure: Weighed events per answer, with the interval of the bootstrap.
        reward_per_user: The same per user.
        per_exposure: How it differs from the control; None for the control itself.
        per_user: The same per user.
        by_chance: What exploration tells; None where the arm did not explore.
    """

    arm: str
    users: int
    exposures: int
    degraded: float
    events: dict[str, float]
    reward_per_exposure: Interval
    reward_per_user: Interval
    per_exposure: Difference | None
    per_user: Difference | None
    by_chance: ByChance | None


@dataclass(frozen=True)
class Report:
    """What came of an experiment.

    Attributes:
        experiment: Its name.
        control: The arm that the others are compared with.
        arms: The control first, then by name.
        moved_users: Users who were met in several arms; they are left out.
        split_p_value: How often chance alone splits the users this unevenly; None where the shares are not known.
        mismatch: Whether the split is not the one of the file: then nothing here can be trusted.
    """

    experiment: str
    control: str
    arms: tuple[ArmReport, ...]
    moved_users: int
    split_p_value: float | None
    mismatch: bool


def report(
    experiment: str,
    arms: Mapping[str, ArmOutcomes],
    control: str,
    asked: Asked,
    *,
    moved_users: int = 0,
    shares: Mapping[str, float] | None = None,
) -> Report:
    """Returns the report of an experiment.

    Args:
        experiment: Its name.
        arms: What came of each arm, by name.
        control: One of them.
        asked: How sure to be.
        moved_users: Users who were met in several arms.
        shares: The share of users of each arm; None where it is not known. An arm that is not named is not tested.
    """
    met = np.sum([arm.events.sum(axis=0) for arm in arms.values()], axis=0)
    types = [kind for kind, total in zip(TYPES, met, strict=True) if total]
    names = [control, *sorted(name for name in arms if name != control)]
    p_value = None
    if shares is not None:
        p_value = split_p_value([len(arms[name]) if name in arms else 0 for name in shares], list(shares.values()))
    return Report(
        experiment,
        control,
        tuple(
            _arm_report(name, arms[name], None if name == control else arms[control], asked, types) for name in names
        ),
        moved_users,
        p_value,
        p_value is not None and p_value < MISMATCH,
    )


def _arm_report(
    name: str, arm: ArmOutcomes, control: ArmOutcomes | None, asked: Asked, types: list[EventType]
) -> ArmReport:
    columns = np.stack([arm.rewards, arm.rewards, arm.exposures, np.ones(len(arm))], axis=1)
    per_exposure, per_user = bootstrap(columns, [2, 3], asked.draws, asked.confidence, asked.seed)
    compared: dict[str, Difference | None] = {"per_exposure": None, "per_user": None}
    if control is not None:
        compared["per_exposure"] = difference_of(
            (arm.rewards, arm.exposures), (control.rewards, control.exposures), asked.confidence
        )
        compared["per_user"] = difference_of(
            (arm.rewards, np.ones(len(arm))), (control.rewards, np.ones(len(control))), asked.confidence
        )
    exposures = int(arm.exposures.sum())
    return ArmReport(
        name,
        users=len(arm),
        exposures=exposures,
        degraded=arm.degraded / exposures,
        events={
            kind.name.lower(): float(total) / exposures
            for kind, total in zip(TYPES, arm.events.sum(axis=0), strict=True)
            if kind in types
        },
        reward_per_exposure=per_exposure,
        reward_per_user=per_user,
        per_exposure=compared["per_exposure"],
        per_user=compared["per_user"],
        by_chance=_by_chance(arm, asked),
    )


def _by_chance(arm: ArmOutcomes, asked: Asked) -> ByChance | None:
    items = int(arm.drawn.sum())
    if not items:
        return None
    return ByChance(
        items,
        effective_items=float(arm.inverse.sum() ** 2 / arm.inverse_squares.sum()),
        shown=interval_of(arm.drawn_rewards, arm.drawn, asked.confidence),
        uniform=interval_of(arm.inverse_rewards, arm.inverse, asked.confidence),
    )


def control_of(names: Iterable[str], wanted: str = "") -> str:
    """Returns the arm to compare with: the one wanted, or the holdout, or the one called "control", or the first by name.

    Raises:
        KeyError: the one wanted is not there.
    """
    known = sorted(names)
    if wanted and wanted not in known:
        raise KeyError(wanted)
    return wanted or next((name for name in (HOLDOUT, "control") if name in known), known[0])
