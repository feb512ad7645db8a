"""A file of experiments means exactly one thing, or is refused with the place of what is wrong."""

from pathlib import Path

import pytest

from services.gateway.experiments.definition import Arm, Experiment, Experiments
from services.gateway.experiments.reading import ExperimentsRefused, read_experiments

WHOLE = """
salt = "2026"

[[experiments]]
name = "variety"
share = 0.5
holdout = 0.1
salt = "v1"

[[experiments.arms]]
name = "control"
share = 0.45

[[experiments.arms]]
name = "high"
share = 0.45
diversity = 0.4
exploration = 0.5
max_candidates = 200
snapshot = "previous"
objective_weights = { like = 2 }

[[experiments]]
name = "old"
share = 0.5
ended = true
arms = [{ name = "a", share = 1 }]
"""


def refusal(tmp_path: Path, text: str) -> str:
    """Reads a file that must be refused; returns why."""
    path = tmp_path / "experiments.toml"
    path.write_text(text)
    with pytest.raises(ExperimentsRefused) as refused:
        read_experiments(path)
    assert str(refused.value).startswith(str(path))
    return str(refused.value)


def test_everything_that_a_file_says_is_read(tmp_path: Path) -> None:
    """Arm by arm, with defaults where it says nothing."""
    path = tmp_path / "experiments.toml"
    path.write_text(WHOLE)
    high = Arm("high", 0.45, {"like": 2.0}, 0.4, 0.5, 200, "previous")
    variety = Experiment("variety", (Arm("control", 0.45), high), 0.5, 0.1, "v1")
    assert read_experiments(path) == Experiments(
        (variety, Experiment("old", (Arm("a", 1.0),), 0.5, ended=True)), "2026"
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("diversity = 0.4", "divrsity = 0.4"), "unknown field `divrsity` - at `$.experiments[0].arms[1]`"),
        (("diversity = 0.4", "diversity = 1.4"), "`float` <= 1"),
        (("exploration = 0.5", "exploration = -1"), "`float` >= 0"),
        (("exploration = 0.5", 'exploration = "much"'), "Expected `float"),
        (("max_candidates = 200", "max_candidates = 99"), "`int` >= 100"),
        (("like = 2", "like = 1001"), "`float` <= 1000"),
        (("like = 2", "like = nan"), "`float`"),
        (('snapshot = "previous"', 'snapshot = ""'), "length >= 1"),
        (("share = 0.45\ndiversity", "share = 0\ndiversity"), "`float` > 0"),
        (("share = 0.45\ndiversity", "share = 0.46\ndiversity"), "'variety' and its holdout are 1.01 together"),
        (("holdout = 0.1", "holdout = 1.0"), "`float` < 1"),
        (('name = "high"', 'name = "High"'), "regex"),
        (('name = "high"', 'name = "control"'), "must have different names"),
        (('name = "high"', 'name = "holdout"'), "give the share to hold out as `holdout`"),
        (('name = "old"', 'name = "variety"'), "experiments must have different names"),
        (('name = "old"\nshare = 0.5', 'name = "old"\nshare = 0.6'), "1.1 together"),
        (('[{ name = "a", share = 1 }]', "[]"), "length >= 1"),
        (('salt = "2026"', "salt = 2026"), "Expected `str`"),
        (('salt = "2026"', 'salt = "2026'), "line 2"),
    ],
)
def test_what_breaks_a_rule_is_refused(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    """A word spelt wrongly must not become an arm without effect."""
    assert change[0] in WHOLE
    assert problem in refusal(tmp_path, WHOLE.replace(*change))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """As a file that cannot be read is."""
    path = tmp_path / "experiments.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(ExperimentsRefused):
        read_experiments(path)
    with pytest.raises(ExperimentsRefused, match="cannot be read: No such file"):
        read_experiments(tmp_path / "none.toml")


def test_shares_in_decimals_may_fill_an_experiment(tmp_path: Path) -> None:
    """Ten of 0.1 are a little more or less than 1 in floating point."""
    path = tmp_path / "experiments.toml"
    arms = ", ".join(f'{{ name = "a{number}", share = 0.1 }}' for number in range(10))
    path.write_text(f'experiments = [{{ name = "x", arms = [{arms}] }}]')
    assert len(read_experiments(path).experiments[0].arms) == 10
