"""What an experiments file says. A file that does not mean exactly one thing is refused as a whole."""

from typing import Annotated

import msgspec

from services.gateway.treatment import CURRENT

#: What those are recorded as who are held out.
HOLDOUT = "holdout"

#: Shares are written in decimals: three of 0.1 make a little more than 0.3.
_ROUNDING = 1e-9

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=60)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to serve. What it does not name is as the gateway's settings say.

    Attributes:
        name: Within the experiment.
        share: Of the experiment's users, in (0, 1].
        objective_weights: How much each objective counts, by name.
        diversity: In [0, 1].
        exploration: The temperature of exploration; 0: none.
        max_candidates: How many candidates are ranked.
        snapshot: "current", "previous" or the id of one of these two.
    """

    name: Name
    share: Share
    objective_weights: dict[str, Annotated[float, msgspec.Meta(ge=0, le=1000)]] = {}
    diversity: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    exploration: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None
    max_candidates: Annotated[int, msgspec.Meta(ge=100, le=10_000)] | None = None
    snapshot: Annotated[str, msgspec.Meta(min_length=1)] = CURRENT

    def __post_init__(self) -> None:
        """Refuses the name that is taken."""
        if self.name == HOLDOUT:
            raise ValueError(f"an arm cannot be called {HOLDOUT!r}; give the share to hold out as `holdout`")


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arms that are compared.

    Attributes:
        name: Within the file.
        arms: In the order of the file: a new one goes last, so that nobody moves.
        share: Of all users, in (0, 1]: how many take part.
        holdout: Of the experiment's users, in [0, 1): served as if there were no experiment, and recorded.
        salt: Two experiments of the same salt split their users alike; the name where it is empty.
        ended: Whether it is over: its users are served as if there were none, and go into no other.
    """

    name: Name
    arms: Annotated[tuple[Arm, ...], msgspec.Meta(min_length=1)]
    share: Share = 1.0
    holdout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    salt: str = ""
    ended: bool = False

    def __post_init__(self) -> None:
        """Refuses arms that cannot be told apart, or that are more than all."""
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError(f"the arms of {self.name!r} must have different names")
        total = self.holdout + sum(arm.share for arm in self.arms)
        if total > 1 + _ROUNDING:
            raise ValueError(f"the shares of {self.name!r} and its holdout are {total:g} together; make them at most 1")


class Experiments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file.

    Attributes:
        experiments: In the order of the file: a new one goes last, so that nobody moves. A user is in one of them at
            most.
        salt: Splits the users among the experiments; another one mixes them anew.
    """

    experiments: tuple[Experiment, ...] = ()
    salt: str = "winnow"

    def __post_init__(self) -> None:
        """Refuses experiments that cannot be told apart, or that are more than all."""
        names = [one.name for one in self.experiments]
        if len(set(names)) != len(names):
            raise ValueError("experiments must have different names")
        total = sum(one.share for one in self.experiments)
        if total > 1 + _ROUNDING:
            raise ValueError(
                f"the shares of the experiments are {total:g} together; make them at most 1, for a user is in one alone"
            )
