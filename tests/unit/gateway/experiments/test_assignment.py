"""Users are split as the file says, stay where they are, and one split says nothing of another."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.gateway.experiments.assignment import Assignment, labels_of, point_of
from services.gateway.experiments.definition import Arm, Experiment, Experiments
from services.gateway.treatment import Policy

USERS = [f"user-{number}" for number in range(20_000)]
DEFAULT = Policy(weights={"like": 2.0}, diversity=0.1, exploration=0.5)

#: How far a share of 20,000 may be off by chance, 4.5 standard deviations: once in 150,000 times.
SAMPLING_ERROR = 4.5 * 0.5 / len(USERS) ** 0.5


def arms_of(*experiments: Experiment, salt: str = "winnow") -> dict[str, str]:
    """The arm of every user."""
    assignment = Assignment(Experiments(experiments, salt), DEFAULT)
    return {user: assignment.arm_of(user) for user in USERS}


@settings(max_examples=20, deadline=None)
@given(
    parts=st.lists(st.integers(1, 10), min_size=2, max_size=6),
    share=st.floats(0.1, 1.0),
    salt=st.text(max_size=20) | st.just("winnow"),  # that of the file too
)
def test_each_arm_has_its_share_of_the_users(parts: list[int], share: float, salt: str) -> None:
    """The first part is the holdout, the last is in nothing; within what chance allows."""
    total = sum(parts)
    shares = [part / total for part in parts]
    arms = tuple(Arm(f"a{number}", one) for number, one in enumerate(shares[1:-1])) or (Arm("a0", 0.01),)
    experiment = Experiment("x", arms, share, holdout=shares[0], salt=salt)
    counts = Counter(arms_of(experiment).values())
    for arm in arms:
        assert counts[f"x/{arm.name}"] / len(USERS) == pytest.approx(share * arm.share, abs=SAMPLING_ERROR)
    assert counts["x/holdout"] / len(USERS) == pytest.approx(share * shares[0], abs=SAMPLING_ERROR)


@settings(max_examples=100)
@given(user=st.text(min_size=1, max_size=50), request=st.text(max_size=10))
def test_a_user_is_always_in_the_same_arm(user: str, request: str) -> None:
    """Whatever the request, and in every process: nothing is remembered."""
    experiments = Experiments((Experiment("x", (Arm("a", 0.5), Arm("b", 0.5))),))
    first, second = (Assignment(experiments, DEFAULT) for _ in range(2))
    assert first.treat(user, request).arm == second.treat(user, "another").arm == second.arm_of(user) != ""


def test_points_are_pinned() -> None:
    """Another version of the gateway must put everybody where they are: these values never change."""
    assignment = Assignment(Experiments((Experiment("x", (Arm("a", 0.5), Arm("b", 0.25)), 0.8, 0.25),)), DEFAULT)
    assert [assignment.arm_of(f"u{number}") for number in range(8)] == [
        "x/a",
        "x/holdout",
        "x/b",
        "x/holdout",
        "x/b",
        "x/holdout",
        "",
        "x/b",
    ]
    assert point_of("salt", "ann", b"arms") == 0.8250750155166839


def test_what_is_appended_moves_nobody() -> None:
    """A new arm and a new experiment take users from nothing alone; so does a larger last arm."""
    first = Experiment("x", (Arm("a", 0.3), Arm("b", 0.3)), share=0.5, holdout=0.1)
    longer = Experiment("x", (Arm("a", 0.3), Arm("b", 0.35), Arm("c", 0.25)), share=0.5, holdout=0.1)
    before, after = arms_of(first), arms_of(longer, Experiment("y", (Arm("a", 1.0),), share=0.5))
    assert all(after[user] == arm for user, arm in before.items() if arm)
    assert {after[user] for user, arm in before.items() if not arm} == {"x/b", "x/c", "y/a"}


def test_what_is_ended_keeps_its_users_out_of_others() -> None:
    """They are served by default, and those of the next experiment stay in it."""
    first, second = (Experiment(name, (Arm("a", 1.0),), share=0.5) for name in "xy")
    before = arms_of(first, second)
    after = arms_of(Experiment("x", first.arms, 0.5, ended=True), second)
    assert all(after[user] == ("" if arm == "x/a" else arm) for user, arm in before.items())


def test_splits_by_different_salts_are_independent() -> None:
    """Chi-square of the arms of one experiment against those of another, and of the experiments of two files."""
    arms = (Arm("a", 0.25), Arm("b", 0.25), Arm("c", 0.5))
    by_salt = [arms_of(Experiment("x", arms, salt=salt)) for salt in ("s1", "s2")]
    halves = (Experiment("x", (Arm("a", 1.0),), 0.5), Experiment("y", (Arm("a", 1.0),), 0.5))
    by_file = [arms_of(*halves, salt=salt) for salt in ("f1", "f2")]
    # The first hash of a user, which chooses the experiment, must not decide about the arm in it either.
    within = [arms_of(Experiment("x", arms, 0.5), Experiment("y", arms, 0.5)), arms_of(Experiment("z", arms))]
    for one, other in (by_salt, by_file, within):
        together = Counter(zip(one.values(), other.values(), strict=True))
        left, right = Counter(one.values()), Counter(other.values())
        expected = {(a, b): left[a] * right[b] / len(USERS) for a in left for b in right}
        statistic = sum((together[cell] - want) ** 2 / want for cell, want in expected.items())
        freedom = (len(left) - 1) * (len(right) - 1)
        assert statistic < freedom + 4 * (2 * freedom) ** 0.5 + 6


def test_experiments_of_the_same_salt_split_alike() -> None:
    """Who was in an arm is in the same one of its successor."""
    arms = (Arm("a", 0.5), Arm("b", 0.5))
    old, new = (arms_of(Experiment(name, arms, salt="same")) for name in ("old", "new"))
    assert {user: arm.removeprefix("old") for user, arm in old.items()} == {
        user: arm.removeprefix("new") for user, arm in new.items()
    }


def test_an_arm_changes_what_it_names_and_nothing_else() -> None:
    """The rest is as the settings say, weights one by one."""
    arm = Arm("all", 1.0, {"click": 0.5}, diversity=0.0, exploration=0.0, max_candidates=200, snapshot="previous")
    treatment = Assignment(Experiments((Experiment("x", (arm,)),)), DEFAULT).treat("ann", "r1")
    assert treatment.policy == Policy({"like": 2.0, "click": 0.5}, 0.0, 0.0, 100, 200, "previous")
    assert (treatment.arm, treatment.seed) == ("x/all", "r1")
    plain = Assignment(Experiments((Experiment("x", (Arm("same", 1.0),)),)), DEFAULT).treat("ann", "r1")
    assert plain.policy == DEFAULT


def test_the_holdout_is_served_by_default_and_recorded() -> None:
    """It is what an experiment is compared with."""
    assignment = Assignment(Experiments((Experiment("x", (Arm("a", 0.01, diversity=1.0),), holdout=0.99),)), DEFAULT)
    treatments = [assignment.treat(user, "r") for user in USERS[:1000]]
    assert {(one.arm, one.policy == DEFAULT) for one in treatments} == {("x/holdout", True), ("x/a", False)}
    assert list(labels_of(Experiment("x", (Arm("a", 0.5),), holdout=0.1))) == ["x/a", "x/holdout"]


def test_nobody_and_the_untracked_are_in_no_experiment() -> None:
    """Nobody is still explored; what is not tracked is not, because nobody would learn from it."""
    assignment = Assignment(Experiments((Experiment("x", (Arm("a", 1.0),)),)), DEFAULT)
    nobody = assignment.treat("", "r1")
    assert (nobody.arm, nobody.policy, nobody.seed) == ("", DEFAULT, "r1")
    untracked = assignment.treat("ann", "r1", untracked=True)
    assert (untracked.arm, untracked.policy.exploration, untracked.policy.diversity) == ("", 0.0, 0.1)
