"""`winnow retrain`."""

from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from services.cli.app import app
from services.cli.job_flags import as_flags
from services.training.retraining.__main__ import flags_parser
from shared.event_log import EventLog
from tests.unit.cli.invocation import winnow


@pytest.fixture(autouse=True)
def logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves logs alone: once configured they go, for the rest of the tests, to a stdout that is closed after this one."""
    monkeypatch.setattr("services.training.flags.configure_logs", lambda _service, _level: None)


def test_it_takes_the_options_of_its_module_with_the_same_defaults() -> None:
    """The image for training has the module alone; what is written for one holds for the other."""
    commands = typer.main.get_command(app)
    assert isinstance(commands, TyperGroup)
    options = {option.name: option.default for option in commands.commands["retrain"].params if option.name != "help"}
    flags = {action.dest: action.default for action in flags_parser()._actions if action.dest != "help"}
    assert {name: value or None for name, value in options.items()} == {
        name: value or None for name, value in flags.items()
    }
    assert len(options) == 12


def test_a_log_without_anything_new_is_status_zero(tmp_path: Path) -> None:
    """A timer runs it again tomorrow."""
    with EventLog(tmp_path / "log"):
        pass
    outcome = winnow("retrain", "--log", str(tmp_path / "log"), "--out", str(tmp_path / "out"), "--min-events", "7")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    assert outcome.stdout == "Nothing was trained: 0 new events, of 7 wanted.\n"


def test_a_log_that_is_not_there_is_status_one(tmp_path: Path) -> None:
    """It says which folder to name."""
    outcome = winnow("retrain", "--log", str(tmp_path / "log"))
    assert outcome.exit_code == 1
    assert f"{tmp_path / 'log'}: there is no log. Name the folder log" in outcome.stderr


@pytest.mark.parametrize("wrong", ["--event-weights=stare=1", "--min-events=0", "--max-loss=2", "--every=-1"])
def test_a_wrong_option_is_status_two(tmp_path: Path, wrong: str) -> None:
    """As for every command."""
    outcome = winnow("retrain", "--log", str(tmp_path), wrong)
    assert outcome.exit_code == 2
    assert wrong.partition("=")[0] in outcome.stderr


def test_options_become_flags() -> None:
    """What was not said is left to the job; what begins with a dash is no flag of its own."""
    said = as_flags(out=Path("a b"), min_events=5, event_weights="-x=1", every=0.0, data=None, quiet=True, deep=False)
    assert said == ["--out=a b", "--min-events=5", "--event-weights=-x=1", "--every=0.0", "--quiet"]
