"""The commands that run the suite, on four real processes and a small real snapshot."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.cli import serving
from services.cli.supervisor import SuitePorts
from services.cli.until_whole import until_whole
from services.training.datasets import write_dataset
from tests.e2e.cli.outputs import DEADLINE_SECONDS, output_of
from tests.e2e.suite import be_patient
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.evaluation.held_out import dataset_of
from winnow.client import AsyncWinnowClient

ITEMS = 60
RANKING_IS_LATE = "done without ranking, because it took too long."


@dataclass(frozen=True)
class Place:
    """A root folder with a snapshot, and a data set that goes with it."""

    root: Path
    data: Path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A snapshot of sixty items and twelve users who met some of them."""
    build_snapshot(tmp_path / "snapshots", items=ITEMS)
    histories = ([(user * 7 + step * 3) % ITEMS for step in range(6)] for user in range(12))
    write_dataset(dataset_of(*histories, items=ITEMS), tmp_path / "factory")
    return Place(tmp_path, tmp_path / "factory")


class Running:
    """A command that runs in the foreground, and what it has said on stderr."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said = ""

    async def hears(self, pattern: str) -> re.Match[str]:
        """Waits until the command says something of this form."""
        assert self._process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (match := re.search(pattern, self.said)):
                line = await self._process.stderr.readline()
                assert line, f"it ended without saying {pattern!r}: {self.said}"
                self.said += line.decode()
        return match

    async def end(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit status."""
        self._process.send_signal(number)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode


@asynccontextmanager
async def winnow(*arguments: str) -> AsyncIterator[Running]:
    """Runs `winnow` beside the test; it does not outlive it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments), stdout=PIPE, stderr=PIPE
    )
    try:
        yield Running(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def processes_of(root: Path) -> dict[str, int]:
    """The process ids of the services that keep their logs below `root`, by name."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().decode().split("\0")
            log = (folder / "fd" / "1").readlink()
        except OSError:  # it ended, or is another user's
            continue
        if log.is_relative_to(root / "logs") and arguments[1] == "-m":
            found[arguments[2].removeprefix("services.")] = int(folder.name)
    return found


async def test_run_goes_from_data_to_recommendations(place: Place) -> None:
    """With a snapshot at hand it serves, imports the users, shows three of them with titles, and stops."""
    flags = ("--root", str(place.root), "--port-base", "0", "--metrics-port-base", "0", "--once")
    status, out, err = await output_of("run", "--data", str(place.data), *flags)
    assert status == 0, err
    assert len(re.findall(r"^User u\d+ lately met, newest first:$", out, re.MULTILINE)) == 3
    assert out.count("and is recommended:") == 3
    assert re.search(r"^10 +item-\d+ +Title \d+", out, re.MULTILINE)
    assert "Training" not in err
    assert processes_of(place.root) == {}


async def test_every_service_that_is_killed_comes_back(place: Place) -> None:
    """After kill -9 of each in turn the answers are whole again; Ctrl-C then ends everything with status 0."""
    flags = ("--root", str(place.root), "--port-base", "0", "--metrics-port-base", "0")
    async with winnow("serve", *flags) as suite:
        address = (await suite.hears(r"the gateway listens on (127\.0\.0\.1:\d+)"))[1]
        async with AsyncWinnowClient(address) as client:
            for service, killed in processes_of(place.root).items():
                os.kill(killed, signal.SIGKILL)
                await suite.hears(rf"{service} was ended by SIGKILL; starting it again")
                assert await until_whole(client, DEADLINE_SECONDS) == []
        assert processes_of(place.root).keys() == {"gateway", "feature_store", "recall", "ranking"}
        assert await suite.end(signal.SIGINT) == 0
    assert processes_of(place.root) == {}


async def test_a_service_that_does_not_start_is_shown_with_its_log(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting in the environment ends the command with the service's own complaint."""
    monkeypatch.setenv("RECALL_THREADS", "many")
    flags = ("--root", str(place.root), "--port-base", "0", "--metrics-port-base", "0")
    status, _, err = await output_of("serve", *flags)
    assert status == 1
    assert "winnow: recall does not start: it exited with status 2" in err
    assert "RECALL_THREADS" in err
    assert processes_of(place.root) == {}


async def test_a_suite_that_answers_without_something_says_what(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It goes on all the same: such answers are better than none."""
    monkeypatch.setenv("GATEWAY_RANKING_BUDGET_MS", "0.001")
    monkeypatch.setattr(serving, "until_whole", _until_only_ranking_is_late)
    async with serving.running_suite(place.root, SuitePorts.free()):
        said = capsys.readouterr().err
    assert said.startswith(f"Answers are not whole: {RANKING_IS_LATE} The logs in ")


async def _until_only_ranking_is_late(client: AsyncWinnowClient) -> Sequence[str]:
    """Returns as soon as it can be what the real one returns once its patience has ended.

    A single question would not do: the gateway may not have noticed yet that another service is there.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (problems := await until_whole(client, patience=0.0)) != [RANKING_IS_LATE]:
            pass
    return problems


async def test_evaluate_measures_through_real_calls(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user is asked about; weights at random miss the floors, and --check says so. The page says it to people."""
    be_patient(monkeypatch)
    flags = ("--data", str(place.data), "--root", str(place.root), "--json")
    status, out, err = await output_of("evaluate", *flags)
    assert status == 0, err
    found = json.loads(out)
    assert (found["users"], found["degraded"], found["snapshot_id"]) == (12, 0, "snapshot-1")
    assert found["annoy_loss"].keys() == {"two_tower", "content"}
    _check_the_page(place.root / "reports" / "snapshot-1", found)
    status, _, err = await output_of("evaluate", *flags, "--check", "--no-page")
    assert status == 1
    assert "winnow: Not good enough." in err
    assert "report page" not in err


def _check_the_page(name: Path, found: dict[str, Any]) -> None:
    """The page and its figures stand where the default says, and agree with what was printed."""
    page = name.with_suffix(".html").read_text()
    figures = json.loads(name.with_suffix(".figures.json").read_text())
    assert "snapshot-1" in page
    assert "http" not in page.replace("http-equiv", "")
    assert len(re.findall(r"<section ", page)) == 10
    headline = {one["metric"]: one for one in figures["headlines"]}
    assert headline["HR@10"]["served"]["mean"] == found["gateway"]["hit_rate"]
    assert headline["NDCG@10"]["popularity"]["mean"] == found["popularity"]["ndcg"]
    # The funnel computed from the snapshot's files is the one that runs.
    stages = {one["name"]: one for one in figures["stages"]}
    assert stages["Offline, same people"]["hit_rate"] == pytest.approx(stages["Served"]["hit_rate"])
    assert stages["Recall as served"]["hit_rate"] == pytest.approx(found["recall"]["hit_rate"])
    assert stages["Ranking"]["ndcg"] == pytest.approx(found["gateway"]["ndcg"])
    # The gateway's explanation: what is said of a score adds up to it.
    for example in figures["examples"]:
        assert len(example["recommended"]) == 10
        for one in example["recommended"]:
            if one["contributions"]:
                assert sum(one["contributions"].values()) == pytest.approx(one["score"], rel=1e-3, abs=1e-3)
