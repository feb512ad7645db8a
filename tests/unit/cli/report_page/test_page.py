"""The page as a document: everything is there, nothing is fetched, and no title is taken for markup."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from services.cli.failure import Failure
from services.cli.report_page.figures import Figures
from services.cli.report_page.page import ReportPage
from services.cli.report_page.render import render
from tests.unit.cli.report_page.sample import LONG, MARKUP, PIXEL, sample

SECTIONS = ["headline", "curves", "recall", "stages", "calibration", "parts", "lists", "map", "examples", "provenance"]
VOID = {"meta", "img", "br", "link", "input"}


class Document(HTMLParser):
    """A page in its parts; it complains of elements that are closed in another order than they were opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text within an element."""
        if self._open and self._open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def ids(self) -> list[str]:
        """The ids of all elements."""
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(scope="module")
def page() -> str:
    """A page of awkward figures."""
    return render(sample(), {"item-1": PIXEL})


def test_every_section_is_there_and_can_be_jumped_to(page: str) -> None:
    """Each with a heading of its own, and no id twice."""
    document = Document(page)
    assert [one["id"] for one in document.all("section")] == SECTIONS
    ids = document.ids()
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert all(one["aria-labelledby"] in ids for one in (*document.all("section"), *document.all("article")))
    links = [one["href"] for one in document.all("a")]
    assert {link.removeprefix("#") for link in links} == set(SECTIONS)
    assert len(document.all("h1")) == 1


def test_nothing_is_fetched_from_anywhere(page: str) -> None:
    """No address but data, no script, no file; the page itself forbids it besides."""
    document = Document(page)
    addresses = [
        value
        for _, attributes in document.elements
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}
    ]
    assert all(value.startswith(("#", "data:")) for value in addresses)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {name for name, _ in document.elements}
    assert not re.search(r"url\(|@import|https?://", page)
    [policy] = [one["content"] for one in document.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")


def test_markup_in_a_title_is_text(page: str) -> None:
    """Titles, ids and attributes of users come from data that anybody may have written."""
    assert "<script" not in page
    document = Document(page)
    assert document.text.count(MARKUP) > 20
    assert not any(name.startswith("on") for _, attributes in document.elements for name in attributes)


def test_pictures_stand_for_items_and_initials_for_the_others(page: str) -> None:
    """The name stands beside them, so they are told to nobody twice."""
    document = Document(page)
    images = document.all("img")
    assert {one["src"] for one in images} == {PIXEL}
    assert all(one["alt"] == "" for one in images)
    assert 'class="poster none"' in page


def test_every_drawing_says_what_it_is(page: str) -> None:
    """Or is left out for who cannot see it, where a number stands beside it."""
    for one in Document(page).all("svg"):
        assert one.get("aria-hidden") == "true" or (one["role"] == "img" and one["aria-label"])


def test_every_table_has_named_columns_and_rows(page: str) -> None:
    """So that a cell can be told together with what it is of."""
    document = Document(page)
    assert all(one.get("scope") in {"row", "col"} for one in document.all("th"))
    assert document.text.count("As a table") == 4


def test_what_came_next_is_marked_where_it_was_recommended(page: str) -> None:
    """In the first example it was, in the second it was not."""
    text = Document(page).text
    assert text.count("✓ came next") == 1
    assert "✓ recommended in place 2" in " ".join(text.split())
    assert "✗ no channel found it" in " ".join(text.split())


def test_what_the_figures_say_stands_on_the_page(page: str) -> None:
    """A number of each section."""
    text = " ".join(Document(page).text.split())
    for words in (
        "0.2000 (0.150 to 0.250)",
        "4 times popularity.",
        "4.0\N{MULTIPLICATION SIGN} as often as by popularity",
        "\N{MINUS SIGN}1.0 pp",
        "Nothing is lost.",
        "9,000",
        "share of the catalogue",
        "30 most met items",
        "57 items met",
        "100 of 190 people",
        "winnow evaluate --data books --users 100 --seed 0",
        "3 answers were degraded, of 100 by the gateway",
        LONG,
    ):
        assert words in text, words


def test_a_page_without_this_and_that_is_a_page() -> None:
    """A snapshot without a report, of a model without vectors, that found nobody's item."""
    bare = replace(sample(), training=(), calibration=None, item_map=None, examples=(), parts=())
    bare = replace(bare, provenance=replace(bare.provenance, configuration={}, degraded=0))
    document = Document(render(bare, {}))
    assert [one["id"] for one in document.all("section")] == SECTIONS
    assert "No list of candidates held what came next" in document.text
    assert "degraded" not in document.text.split("How it was measured")[0]


def test_the_figures_stand_beside_the_page_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They can be read back as they were; folders are made, and it is said where the page is."""
    ReportPage(sample(), {}).write(tmp_path / "new" / "quality.html")
    written = (tmp_path / "new" / "quality.figures.json").read_bytes()
    assert msgspec.json.decode(written, type=Figures) == sample()
    assert json.loads(written)["headlines"][0]["served"]["mean"] == 0.2
    assert (tmp_path / "new" / "quality.html").read_text() == render(sample(), {})
    assert "quality.html" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    """Which names the file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot be written"):
        ReportPage(sample(), {}).write(tmp_path / "file" / "quality.html")
