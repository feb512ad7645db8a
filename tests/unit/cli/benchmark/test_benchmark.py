"""`winnow benchmark`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.training.benchmark.registry import PROTOCOLS
from services.training.benchmark.table import BEGIN, END
from tests.unit.cli.invocation import winnow
from tests.unit.training.benchmark.folders import ratings_folder, sequences_folder, split_folder, with_ncf_test
from tests.unit.training.ctr.folders import clicks_folder


def test_a_cell_is_measured_shown_and_kept(tmp_path: Path) -> None:
    """On a data set that nobody has heard of, in the form of a published one."""
    out = tmp_path / "results.json"
    cell = ["--protocol", "next-item", "--data", str(sequences_folder(tmp_path)), "--out", str(out), "--quiet"]
    outcome = winnow("benchmark", "--model", "ease", "--setting", "regularisation=2", "--seed", "4", *cell)
    assert outcome.exit_code == 0, outcome.stderr
    assert "ease on shop by next-item: 40 queries, 40 users" in outcome.stdout
    for shown in ("hr@10", "ndcg@10", "95 % interval", "history of 5 to 19", "s to fit", "bytes per item", "Machine: "):
        assert shown in outcome.stdout
    assert winnow("benchmark", "--model", "popularity", *cell).exit_code == 0
    ease, popularity = json.loads(out.read_text())
    assert (ease["model"], ease["seed"], ease["settings"]) == ("ease", 4, {"regularisation": 2})
    assert popularity["model"] == "popularity"
    assert ease["metrics"]["ndcg@10"]["mean"] > popularity["metrics"]["ndcg@10"]["mean"]


@pytest.mark.parametrize(
    ("protocol", "model", "folder"),
    [
        ("ncf", "popularity", lambda root: with_ncf_test(sequences_folder(root))),
        ("ncf", "neumf", lambda root: with_ncf_test(sequences_folder(root))),
        ("top-n", "popularity", split_folder),
        ("rating", "biases", ratings_folder),
        ("ctr", "logistic", clicks_folder),
    ],
)
def test_other_protocols_run_by_the_same_command(
    protocol: str, model: str, folder: Callable[[Path], Path], tmp_path: Path
) -> None:
    """As JSON, which holds the same as a file of results."""
    data = folder(tmp_path)
    outcome = winnow("benchmark", "--protocol", protocol, "--model", model, "--data", str(data), "--json", "--quiet")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["protocol"] == protocol


def test_the_list_has_every_protocol_and_model() -> None:
    """For people and for programs."""
    shown = winnow("benchmark", "--list").stdout
    listed = json.loads(winnow("benchmark", "--list", "--json").stdout)
    assert listed.keys() == PROTOCOLS.keys()
    for name, protocol in listed.items():
        assert name in shown
        assert all(model in shown for model in protocol["models"])


def test_a_page_gets_the_table_of_the_results(tmp_path: Path) -> None:
    """The same that is printed without a page."""
    out, page = tmp_path / "results.json", tmp_path / "quality.md"
    folder = sequences_folder(tmp_path)
    winnow("benchmark", "--protocol", "next-item", "--model", "popularity", "--data", str(folder), "--out", str(out))
    page.write_text(f"# Ours\n\n{BEGIN}\n{END}\n")
    assert winnow("benchmark", "--table", str(out), "--page", str(page)).exit_code == 0
    printed = winnow("benchmark", "--table", str(out)).stdout
    assert "| `popularity` |" in printed
    assert page.read_text() == f"# Ours\n\n{BEGIN}\n\n{printed.rstrip()}\n\n{END}\n"


@pytest.mark.parametrize(
    ("arguments", "problem", "status"),
    [
        (["--protocol", "nonsense", "--model", "ease"], "There is no protocol 'nonsense'; choose one of ncf", 2),
        (["--protocol", "next-item", "--model", "nonsense"], "there is no model 'nonsense' for next-item", 2),
        (["--protocol", "next-item", "--model", "ease", "--setting", "x=1"], "the settings are: regularisation", 2),
        (["--protocol", "next-item", "--model", "ease", "--setting", "x"], "'x' is not of the form NAME=VALUE", 2),
        (["--protocol", "ncf", "--model", "ease"], "the folder lacks ncf_test.txt", 1),
        (["--protocol", "top-n", "--model", "ease"], "the folder lacks train.txt and test.txt", 1),
        (["--protocol", "ctr", "--model", "fm"], "Bring train.csv, valid.csv and test.csv with the same header", 1),
        (["--protocol", "ncf", "--model", "signals"], "there is no model 'signals' for ncf", 2),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    arguments: list[str], problem: str, status: int, tmp_path: Path
) -> None:
    """With what to do instead."""
    outcome = winnow("benchmark", *arguments, "--data", str(sequences_folder(tmp_path)), "--quiet")
    assert problem in outcome.stderr
    assert outcome.exit_code == status


@pytest.mark.parametrize(
    "arguments", [["--model", "ease"], ["--protocol", "ncf", "--model", "ease"], ["--page", "x.md"]]
)
def test_half_a_question_is_a_wrong_call(arguments: list[str]) -> None:
    """Nothing is guessed."""
    outcome = winnow("benchmark", *arguments)
    assert outcome.exit_code == 2
    assert "--" in outcome.stderr
