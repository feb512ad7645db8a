"""`winnow models` shows what can be trained."""

from __future__ import annotations

import json

import pytest

from services.training.registries import REGISTRIES
from services.training.sequence.config import SasrecConfig
from tests.unit.cli.invocation import winnow


def test_every_model_is_listed_with_what_it_is() -> None:
    """In words for people and in JSON for programs."""
    for_people = winnow("models", "list").stdout
    listed = json.loads(winnow("models", "list", "--json").stdout)

    for kind, registry in REGISTRIES.items():
        for name, family in registry.items():
            assert name in for_people
            assert {"kind": kind, "model": name, "summary": family.summary} in listed


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, registry in REGISTRIES.items() for name in registry])
def test_a_model_s_settings_are_shown_with_their_defaults(kind: str, name: str) -> None:
    """Each setting that a configuration may name, and what it does; of a name that two kinds have, of both."""
    for_people = winnow("models", "show", name).stdout
    (shown,) = (one for one in json.loads(winnow("models", "show", name, "--json").stdout) if one["kind"] == kind)

    assert f"{name}, {kind}: " in for_people
    defaults = REGISTRIES[kind][name].config().model_dump(mode="json")
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
