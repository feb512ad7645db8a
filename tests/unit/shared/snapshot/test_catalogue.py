"""The catalogue ties every dense row to one id."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.snapshot.catalogue import Catalogue, CatalogueItem, read_catalogue, write_catalogue
from shared.snapshot.errors import SnapshotRefused

ITEMS = [
    CatalogueItem("a", "Alpha", ("drama",), {"year": 1999.0, "language": "en"}),
    CatalogueItem("b", "Bêta\nand a line"),
    CatalogueItem("", "An empty id is an id"),
]

items = st.lists(
    st.builds(
        CatalogueItem,
        id=st.text(max_size=4),
        title=st.text(max_size=4),
        categories=st.lists(st.text(max_size=2), max_size=2).map(tuple),
        attributes=st.dictionaries(
            st.text(max_size=2), st.text(max_size=2) | st.floats(allow_nan=False, allow_infinity=False)
        ),
    ),
    unique_by=lambda item: item.id,
    max_size=5,
)


def test_rows_and_ids_lead_to_each_other() -> None:
    """Row r is the r-th item, and its id leads back to r."""
    catalogue = Catalogue(ITEMS)
    assert len(catalogue) == 3
    assert [catalogue.row_of(catalogue[row].id) for row in range(3)] == [0, 1, 2]


def test_an_id_that_the_catalogue_does_not_have_has_no_row() -> None:
    """Alone it is None; among others it is left out, and their order stays."""
    catalogue = Catalogue(ITEMS)
    assert catalogue.row_of("z") is None
    assert catalogue.rows_of(["b", "z", "a", "b"]) == [1, 0, 1]


@given(items)
def test_a_catalogue_comes_back_as_it_was_written(written: list[CatalogueItem]) -> None:
    """Whatever is in the text: one item stays one line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.jsonl"
        write_catalogue(Catalogue(written), path)
        assert path.read_bytes().count(b"\n") == len(written)
        assert list(read_catalogue(path)) == written


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"id":"a","title":"A"}\n{"id":"b"}\n', "is not a catalogue: Object missing required field `title`"),
        (b"a,b\n", "is not a catalogue"),
        (b'{"id":"\xff","title":"A"}\n', "is not a catalogue"),
        (b'{"id":"a","title":"A"}\n{"id":"a","title":"B"}\n', "has two items with the same id"),
    ],
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    """The refusal names the snapshot, the file and what is wrong with it."""
    folder = tmp_path / "s1"
    folder.mkdir()
    (folder / "catalogue.jsonl").write_bytes(content)
    with pytest.raises(SnapshotRefused, match=rf"^snapshot s1: catalogue\.jsonl {problem}"):
        read_catalogue(folder / "catalogue.jsonl")
