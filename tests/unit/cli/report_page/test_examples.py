"""The people that are shown."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.cli.evaluation.asking import UNRANKED
from services.cli.report_page.examples import chosen, examples
from services.cli.report_page.measurement import Measurement
from services.cli.report_page.pictures import HEIGHT, MOST, WIDTH, data_uri, pictures
from services.training.datasets import Dataset
from tests.contract.client.fake_gateway import FakeGateway, recommended_item, serving
from tests.unit.cli.report_page.measured import USERS


def with_hits(measured: Measurement, hits: int) -> Measurement:
    """The same people, of whom the first `hits` were recommended what came next."""
    ranks = np.where(np.arange(USERS) < hits, 1, UNRANKED)
    return replace(measured, answers=replace(measured.answers, ranks=ranks))


@pytest.mark.parametrize(("hits", "shown_hits"), [(10, 2), (1, 1), (0, 0), (USERS - 1, 3), (USERS, 4)])
def test_half_of_those_shown_were_found(measured: Measurement, hits: int, shown_hits: int) -> None:
    """As far as there are as many; the others fill up, and nobody is shown twice."""
    shown = chosen(with_hits(measured, hits))
    assert len(set(shown)) == len(shown) == 4
    assert sum(user < hits for user in shown) == shown_hits


def test_who_is_shown_follows_the_seed(measured: Measurement) -> None:
    """Not the figures."""
    some = with_hits(measured, 12)
    assert chosen(some) == chosen(some)
    assert any(chosen(some) != chosen(replace(some, seed=seed)) for seed in range(1, 4))


async def test_an_example_is_what_the_gateway_explains(measured: Measurement) -> None:
    """The newest of the history first, the answer in its order, and what came next marked in it."""
    some = with_hits(measured, 4)
    user = chosen(some)[0]
    target = some.questions.target_ids[user]
    gateway = FakeGateway()
    # Of an item "1" the gateway has an explanation, with three reasons; of the other it has none.
    gateway.items = [recommended_item("1", "Third"), recommended_item(target, "What came")]
    told: list[int] = []
    async with serving(gateway) as address:
        first, *_ = await examples(some, address, told.append)
    assert len(told) == 4
    assert first.user_id == some.questions.user_ids[user]
    newest = [some.catalogue[row].id for row in some.questions.histories[user].tolist()[::-1]]
    assert [item.item_id for item in first.history] == newest[:6]
    assert first.attributes == ("age: 30",)
    assert [(one.place, one.item.title, one.hit) for one in first.recommended] == [
        (1, "Third", False),
        (2, "What came", True),
    ]
    assert [one.because for one in first.recommended] == [("Iota", "Gamma"), ()]
    assert {request.request.untracked for request in gateway.received} == {True}


def test_a_picture_becomes_a_small_jpeg(tmp_path: Path) -> None:
    """Whatever it was; what is no picture is left out."""
    Image.new("RGBA", (1000, 2000), "red").save(tmp_path / "large.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    uri = data_uri(tmp_path / "large.png")
    assert uri is not None
    head, _, encoded = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        assert image.format == "JPEG"
        assert image.width <= WIDTH
        assert image.height == HEIGHT
    assert data_uri(tmp_path / "broken.jpg") is None
    assert data_uri(tmp_path / "missing.jpg") is None


async def test_only_what_is_shown_has_a_picture(measured: Measurement, tmp_path: Path) -> None:
    """Each once, and no more than a page should hold."""
    Image.new("RGB", (8, 12)).save(tmp_path / "one.png")
    items = tuple(replace(item, image=tmp_path / "one.png") for item in measured.dataset.items[:-1])
    dataset: Dataset = replace(measured.dataset, items=(*items, measured.dataset.items[-1]))
    async with serving(FakeGateway()) as address:
        shown = await examples(with_hits(measured, 4), address, lambda _done: None)
    expected = {item.item_id for one in shown for item in (*one.history, one.target)}
    found = pictures(dataset, shown)
    assert found.keys() == expected - {dataset.items[-1].id}
    assert len(found) <= MOST
