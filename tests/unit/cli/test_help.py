"""What every command says about itself, and how quickly."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from services.training.generator import GeneratorConfig
from tests.unit.cli.invocation import winnow

COMMANDS = [
    "recommend",
    "similar",
    "explain",
    "record",
    "import",
    "generate",
    "serve",
    "run",
    "train",
    "tune",
    "evaluate",
    "bench rank",
    "benchmark",
    "experiments check",
    "experiments assign",
    "experiments report",
    "log show",
    "log verify",
    "log collect",
    "retrain",
    "items upsert",
    "items withdraw",
    "items list",
    "features list",
    "features show",
    "features check",
    "features backfill",
    "features build",
    "features materialize",
    "features forget",
    "examples build",
    "models list",
    "models show",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    """A line that can be copied is worth more than a list of options."""
    outcome = winnow(*command.split(), "--help")
    assert outcome.exit_code == 0
    assert f"\n    winnow {command}" in outcome.stdout


def test_help_loads_nothing_that_serves_or_trains() -> None:
    """`winnow --help` is quick because gRPC, numpy, rich and torch are not imported for it."""
    program = """
import sys
sys.argv = ["winnow", "--help"]
try:
    from services.cli.__main__ import main
    main()
except SystemExit:
    pass
heavy = ("grpc", "numpy", "rich", "torch", "pydantic", "msgspec", "shared", "services.training", "winnow")
print("LOADED", sorted(name for name in heavy if name in sys.modules))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Commands:" in answer.stdout
    assert answer.stdout.strip().endswith("LOADED []")


def test_the_defaults_that_generate_names_are_those_it_uses() -> None:
    """They stand in the help as text, so that help does not load the generator."""
    said = dict(re.findall(r"--(\w+) <[^>]*>[^[]*\[default: ([\d.]+)\]", winnow("generate", "--help").stdout))
    config = GeneratorConfig()
    assert {name: float(value) for name, value in said.items()} == {
        name: float(getattr(config, name)) for name in ("users", "items", "events", "days", "noise", "seed")
    }


@pytest.mark.parametrize("arguments", [["nonsense"], ["recommend", "--nonsense"], ["similar", "-n", "3"]])
def test_a_wrong_call_is_status_two(arguments: list[str]) -> None:
    """The way to more help is shown on stderr."""
    outcome = winnow(*arguments)
    assert outcome.exit_code == 2
    assert "Try 'winnow" in outcome.stderr
    assert outcome.stdout == ""
