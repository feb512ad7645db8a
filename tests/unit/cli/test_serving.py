"""`winnow serve` and `winnow evaluate` when there is nothing to serve."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import pytest

from services.cli.supervisor import awake
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.invocation import winnow


def test_without_a_snapshot_nothing_is_started(tmp_path: Path) -> None:
    """The services would wait for ever; the next step is named instead."""
    outcome = winnow("serve", "--root", str(tmp_path))
    assert outcome.exit_code == 1
    assert f"There is no snapshot to serve in {tmp_path / 'snapshots'}" in outcome.stderr
    assert "winnow run" in outcome.stderr
    assert not (tmp_path / "logs").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """With the service that needs it, and how to choose another."""
    build_snapshot(tmp_path / "snapshots", items=10)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flags = ("--port-base", "0", "--metrics-port-base", "0", "--recall-port", str(port))
        outcome = winnow("serve", "--root", str(tmp_path), *flags)
    assert outcome.exit_code == 1
    assert f"Port {port}, which recall (gRPC) needs" in outcome.stderr
    assert "--port-base" in outcome.stderr


def test_cpus_that_cannot_be_kept_awake_are_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked for it counts on it; what it takes is said."""
    build_snapshot(tmp_path / "snapshots", items=10)
    monkeypatch.setattr("services.cli.serving.awake", partial(awake, tmp_path / "no-such-device"))
    outcome = winnow("serve", "--root", str(tmp_path), "--port-base", "0", "--metrics-port-base", "0", "--awake")
    assert outcome.exit_code == 1
    assert "Idle CPUs cannot be kept awake" in outcome.stderr
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("arguments", [["--target", "localhost:1"], ["--recall", "localhost:1"]])
def test_a_running_suite_is_named_by_both_its_addresses(tmp_path: Path, arguments: list[str]) -> None:
    """One alone is a wrong call."""
    outcome = winnow("evaluate", "--data", str(tmp_path), *arguments)
    assert outcome.exit_code == 2
    assert "--target and --recall" in outcome.stderr


def test_a_page_is_wanted_or_not(tmp_path: Path) -> None:
    """Both is a wrong call."""
    outcome = winnow("evaluate", "--data", str(tmp_path), "--page", "quality.html", "--no-page")
    assert outcome.exit_code == 2
    assert "--page or --no-page" in outcome.stderr
