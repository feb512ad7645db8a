"""The catalogue: what every dense row of a snapshot stands for. One JSON object a line, line r is row r."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from shared.snapshot.errors import SnapshotRefused


# No item is part of a cycle: the collector need not look through a million of them while they are read.
class CatalogueItem(msgspec.Struct, frozen=True, gc=False):
    """One item.

    Attributes:
        id: The public id.
        title: For display.
        categories: For display and filters.
        attributes: By name, for filters.
    """

    id: str
    title: str
    categories: tuple[str, ...] = ()
    attributes: dict[str, str | float] = {}


class Catalogue:
    """All items of a snapshot by row, and the row of each id.

    Args:
        items: The items in the order of their rows.
    """

    def __init__(self, items: Iterable[CatalogueItem]) -> None:
        self._items = tuple(items)
        self._row_of: Mapping[str, int] = {item.id: row for row, item in enumerate(self._items)}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[CatalogueItem]:
        return iter(self._items)

    def __getitem__(self, row: int) -> CatalogueItem:
        return self._items[row]

    def row_of(self, item_id: str) -> int | None:
        """Returns the row of an id, or None where the snapshot does not have it."""
        return self._row_of.get(item_id)

    def rows_of(self, item_ids: Iterable[str]) -> list[int]:
        """Returns the rows of the ids that the snapshot has, in the order given; the others are left out."""
        row_of = self._row_of
        return [row_of[item_id] for item_id in item_ids if item_id in row_of]


def write_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Writes the catalogue to `path`."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        file.writelines(encoder.encode(item) + b"\n" for item in catalogue)


def read_catalogue(path: Path) -> Catalogue:
    """Reads a catalogue.

    Raises:
        SnapshotRefused: a line is no item, or two have the same id.
    """
    decoder = msgspec.json.Decoder(CatalogueItem)
    try:
        items = decoder.decode_lines(path.read_bytes())
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotRefused(path.parent.name, f"{path.name} is not a catalogue: {error}") from error
    catalogue = Catalogue(items)
    if len({item.id for item in catalogue}) != len(catalogue):
        raise SnapshotRefused(path.parent.name, f"{path.name} has two items with the same id")
    return catalogue
