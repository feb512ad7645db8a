"""`winnow models` shows what can be trained."""

from __future__ import annotations

import json

import pytest

from services.training.recall.registry import RECALL_MODELS
from services.training.sequence.config import SasrecConfig
from tests.unit.cli.invocation import winnow


def test_every_model_is_listed_with_what_it_is() -> None:
    """In words for people and in JSON for programs."""
    for_people = winnow("models", "list").stdout
    listed = {one["model"]: one for one in json.loads(winnow("models", "list", "--json").stdout)}

    for name, family in RECALL_MODELS.items():
        assert name in for_people
        assert listed[name] == {"kind": "recall", "model": name, "summary": family.summary}


@pytest.mark.parametrize("name", list(RECALL_MODELS))
def test_a_model_s_settings_are_shown_with_their_defaults(name: str) -> None:
    """Each setting that a configuration may name, and what it does."""
    for_people = winnow("models", "show", name).stdout
    (shown,) = json.loads(winnow("models", "show", name, "--json").stdout)

    defaults = RECALL_MODELS[name].config().model_dump(mode="json")
    assert {one["setting"]: one["default"] for one in shown["settings"]} == defaults
    assert all(one["description"] for one in shown["settings"])
    assert all(setting in for_people for setting in defaults)


def test_the_settings_are_those_that_are_used() -> None:
    """One of them, literally."""
    shown = winnow("models", "show", "sasrec").stdout

    (line,) = (line for line in shown.splitlines() if line.startswith("dropout"))
    assert line.split()[1] == str(SasrecConfig().dropout)


def test_a_model_that_is_not_there_is_a_wrong_call() -> None:
    """Status 2 and the names of those that are."""
    outcome = winnow_failing("models", "show", "nope")

    assert "There is no model nope" in outcome
    assert "sasrec" in outcome


def winnow_failing(*arguments: str) -> str:
    """Runs a command that fails; returns what it says."""
    outcome = winnow(*arguments)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    return outcome.stderr
