"""`winnow experiments` on small files and logs."""

import json
from pathlib import Path

import pytest

from shared.event_log import EventLog
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.experiments.records import done, shown
from tests.unit.cli.invocation import winnow

FILE = """
[[experiments]]
name = "variety"
share = 0.5
holdout = 0.2
arms = [
  { name = "plain", share = 0.4 },
  { name = "high", share = 0.4, diversity = 0.4, objective_weights = { like = 2 }, snapshot = "previous" },
]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of one experiment."""
    path = tmp_path / "experiments.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of two users in two arms, one of whom clicked."""
    with EventLog(tmp_path / "log") as log:
        log.append([shown("r1", "ann", "variety/high", "i1"), shown("r2", "bob", "variety/plain", "i1")])
        log.append([done("ann", "i1")])
    return tmp_path / "log"


def test_check_shows_what_each_arm_changes_for_how_many(file: Path) -> None:
    """Shares are of all users."""
    outcome = winnow("experiments", "check", str(file))
    assert outcome.exit_code == 0
    lines = [line.split("  ") for line in outcome.stdout.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[1:] == [
        ["variety/plain", "20.00%", "nothing"],
        ["variety/high", "20.00%", "weight of like 2, diversity 0.4, snapshot previous"],
        ["variety/holdout", "10.00%", "nothing"],
        ["in none", "50.00%"],
    ]
    assert json.loads(winnow("experiments", "check", str(file), "--json").stdout)["in_none"] == pytest.approx(0.5)


def test_check_refuses_what_the_gateway_would_refuse(file: Path) -> None:
    """In the same words, with where to read on."""
    file.write_text(FILE.replace("diversity", "divrsity"))
    outcome = winnow("experiments", "check", str(file))
    assert outcome.exit_code == 1
    assert (
        "unknown field `divrsity` - at `$.experiments[0].arms[1]`. What a file may say stands in docs/experiments.md"
        in (outcome.stderr)
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("like = 2", "share = 2"), "Arm variety/high weighs share, which snapshot s1 does not have"),
        (('"previous"', '"s9"'), "Arm variety/high names snapshot 's9', which is not in"),
    ],
)
def test_check_holds_a_file_against_snapshots(
    file: Path, tmp_path: Path, change: tuple[str, str], problem: str
) -> None:
    """A weight of an objective that there is not would have no effect, and nobody would see that."""
    build_snapshot(tmp_path / "snapshots", "s1", items=20)
    snapshots = ["--snapshots", str(tmp_path / "snapshots")]
    assert winnow("experiments", "check", str(file), *snapshots).exit_code == 0
    file.write_text(FILE.replace(*change))
    outcome = winnow("experiments", "check", str(file), *snapshots)
    assert (outcome.exit_code, problem in outcome.stderr) == (1, True)


def test_assign_says_where_a_user_is(file: Path) -> None:
    """Or that the user is in none."""
    told = [winnow("experiments", "assign", f"u{number}", "--file", str(file)).stdout.strip() for number in range(60)]
    assert set(told) == {"variety/plain", "variety/high", "variety/holdout", "in no experiment"}
    as_json = winnow("experiments", "assign", "u0", "--file", str(file), "--json").stdout
    assert (json.loads(as_json)["arm"] or "in no experiment") == told[0]


def test_report_compares_the_arms_of_the_log(log: Path, file: Path) -> None:
    """As a table, and as JSON without NaN, which is not JSON."""
    outcome = winnow("experiments", "report", "--log", str(log), "--file", str(file))
    assert outcome.exit_code == 0
    assert "variety, compared with high" in outcome.stdout
    [found] = json.loads(winnow("experiments", "report", "--log", str(log), "--control", "plain", "--json").stdout)
    plain, high = found["arms"]
    assert (plain["arm"], plain["reward_per_user"]["value"]) == ("plain", 0.0)
    assert (high["per_user"]["value"], high["per_user"]["p_value"], high["events"]) == (1.0, None, {"click": 1.0})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--experiment", "other"], "The log has no answers of experiment 'other'. It has variety."),
        (["--control", "none"], "variety has no arm 'none'; it has high, plain."),
        (["--weights", "stare=1"], "--weights: 'stare=1' is no weight"),
        (["--since", "yesterday"], "is no time such as 2026-11-21T10:00:00Z"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(log: Path, arguments: list[str], problem: str) -> None:
    """In a sentence."""
    outcome = winnow("experiments", "report", "--log", str(log), *arguments)
    assert (outcome.exit_code, problem in outcome.stderr) == (1, True), outcome.stderr


def test_a_folder_without_a_log_is_named(tmp_path: Path) -> None:
    """With where it would be."""
    outcome = winnow("experiments", "report", "--log", str(tmp_path))
    assert outcome.exit_code == 1
    assert "holds no event log" in outcome.stderr


def test_a_log_without_experiments_is_said_to_have_none(tmp_path: Path) -> None:
    """And how they come into it."""
    with EventLog(tmp_path / "log") as log:
        log.append([shown("r1", "ann", "", "i1")])
    outcome = winnow("experiments", "report", "--log", str(tmp_path / "log"))
    assert outcome.exit_code == 1
    assert "The log has no answers of an experiment. GATEWAY_EXPERIMENTS names" in outcome.stderr
