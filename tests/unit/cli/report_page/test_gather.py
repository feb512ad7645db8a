"""All figures together, from a small real snapshot and a gateway that answers as it is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from services.cli.failure import Failure
from services.cli.report_page.figures import Figures
from services.cli.report_page.gather import gather_figures
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.render import render
from tests.contract.client.fake_gateway import FakeGateway, serving
from tests.unit.cli.report_page.measured import ITEMS, USERS


async def gathered(measured: Measurement) -> Figures:
    """The figures, with a gateway for the explanations."""
    async with serving(FakeGateway()) as address:
        return await gather_figures(measured, address)


async def test_every_figure_is_of_the_same_people(measured: Measurement) -> None:
    """What several sections say of what is served agrees, and the page can be drawn."""
    figures = await gathered(measured)
    hit_rate = (measured.answers.ranks <= 10).mean()
    assert figures.headlines[0].served.mean == pytest.approx(hit_rate)
    assert next(one.value for one in figures.hit_rates[0].points if one.x == 10) == pytest.approx(hit_rate)
    assert next(one.hit_rate for one in figures.stages if one.name == "Served") == pytest.approx(hit_rate)
    assert f"for {round(hit_rate * USERS)} of them" in figures.summary
    assert figures.stages[-1].hit_rate == figures.headlines[0].offline
    assert figures.recall.candidates == ITEMS  # fewer than recall could give
    assert [one.name for one in figures.recall.channels] == ["two_tower", "content", "popularity"]
    assert figures.recall.curves[0].points[-1].value == pytest.approx(figures.stages[-1].candidates)
    assert figures.training == ()  # this snapshot has no report
    assert "<h1>" in render(figures, {})


async def test_what_training_reported_is_on_the_page(measured: Measurement, tmp_path: Path) -> None:
    """Its curves, its metrics and its choices; a report that is none is as if there were none."""
    folder = tmp_path / "snapshot"
    shutil.copytree(measured.folder, folder)
    report = {
        "quality": {"test": {"ranked": {"hr@10": 0.4}}},
        "epochs": {"ranker": [0.1, 0.2]},
        "configuration": {"channels.content.model": "bag_of_words"},
        "seconds": {"total": 3.0},
    }
    (folder / "report.json").write_bytes(msgspec.json.encode(report))
    figures = await gathered(replace(measured, folder=folder))
    assert figures.headlines[0].reported == 0.4
    assert [one.name for one in figures.training] == ["ranker"]
    assert [one.model for one in figures.recall.channels] == ["", "bag_of_words", ""]
    (folder / "report.json").write_text("no report")
    assert (await gathered(replace(measured, folder=folder))).headlines[0].reported is None


async def test_a_snapshot_that_cannot_be_read_is_a_failure(measured: Measurement, tmp_path: Path) -> None:
    """Which names the snapshot and the file."""
    folder = tmp_path / "snapshot"
    shutil.copytree(measured.folder, folder)
    (folder / "item_features.npy").write_bytes(b"no array")
    with pytest.raises(Failure, match=r"The files of snapshot-1 cannot be measured: .*item_features\.npy"):
        await gathered(replace(measured, folder=folder))


async def test_a_gateway_that_does_not_answer_is_a_failure(measured: Measurement) -> None:
    """Which says where it was looked for."""
    async with serving(FakeGateway()) as address:
        pass
    with pytest.raises(Failure, match=f"The gateway at {address} failed"):
        await gather_figures(measured, address)
