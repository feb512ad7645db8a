"""Rows by item id."""

from pathlib import Path

from services.recall.live.item_rows import ItemRows
from shared.snapshot.catalogue import Catalogue, CatalogueItem, write_catalogue


def test_ids_lead_to_the_rows_of_their_lines(tmp_path: Path) -> None:
    """Of a catalogue larger than what is decoded at once, in any script, and not to those of others."""
    ids = [f"item-{number}-é-{'x' * 100}" for number in range(6000)]
    write_catalogue(Catalogue(CatalogueItem(one, "A title") for one in ids), tmp_path / "catalogue.jsonl")

    rows = ItemRows.read(tmp_path / "catalogue.jsonl")

    assert rows.rows_of([ids[5999], "stranger", ids[0], ids[3000]]).tolist() == [5999, -1, 0, 3000]
    assert rows.rows_of([]).tolist() == []
