"""Upserting the items of a file in batches, and withdrawing items."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from services.cli.failure import Failure
from services.cli.output import console, print_json
from winnow.client import MAX_ITEMS, InvalidArgument, Item, WinnowClient

#: Of lines in a batch: half of what a message to the gateway may have.
_BATCH_BYTES = 2 << 20

_REMEDY = "A line is one JSON object with id and title, and may have categories, text and attributes (docs/data.md)."


class ItemLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file."""

    id: str
    title: str
    categories: tuple[str, ...] = ()
    text: str = ""
    attributes: dict[str, str | float] = {}


@dataclass(frozen=True)
class Upserted:
    """How many items were new to the catalogue, and how many it had."""

    added: int
    updated: int


def upsert_file(client: WinnowClient, path: Path) -> Upserted:
    """Upserts the items of a file, or of stdin where it is `-`.

    Raises:
        Failure: the file or an item in it is wrong; the message says what was upserted until then.
        WinnowError: the gateway failed.
    """
    added = updated = 0
    for first, batch in _batches(list(_read(path))):
        try:
            result = client.upsert_items(batch)
        except InvalidArgument as error:
            raise Failure(
                f"The gateway refused items of {path}: {error.message}, where items[0] is number {first + 1} of the file. "
                f"The {first} before it are upserted; correct the file and send it again."
            ) from error
        added += result.added
        updated += result.updated
    return Upserted(added, updated)


def withdraw(client: WinnowClient, item_ids: Sequence[str]) -> int:
    """Withdraws items, and returns how many were there. Naming an item twice does no harm.

    Raises:
        WinnowError: the gateway failed, or refused them.
    """
    unique = list(dict.fromkeys(item_ids))
    starts = range(0, len(unique), MAX_ITEMS)
    return sum(client.withdraw_items(unique[start : start + MAX_ITEMS]).withdrawn for start in starts)


def show_upserted(counts: Upserted, as_json: bool) -> None:
    """Prints the counts."""
    if as_json:
        print_json({"added": counts.added, "updated": counts.updated})
    else:
        console().print(f"{counts.added} added, {counts.updated} updated.")


def show_withdrawn(withdrawn: int, as_json: bool) -> None:
    """Prints the count."""
    if as_json:
        print_json({"withdrawn": withdrawn})
    else:
        console().print(f"{withdrawn} withdrawn.")


def _read(path: Path) -> Iterator[tuple[Item, int]]:
    """Yields the items of a file, each with the bytes of its line; blank lines are passed over."""
    decoder = msgspec.json.Decoder(ItemLine)
    try:
        source: Any = nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb")
        with source as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _decode(decoder, line, f"{path}:{number}"), len(line)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error


def _decode(decoder: msgspec.json.Decoder[ItemLine], line: bytes, place: str) -> Item:
    try:
        read = decoder.decode(line)
    except msgspec.DecodeError as error:
        raise Failure(f"{place}: {str(error).rstrip('.')}. {_REMEDY}") from error
    return Item(read.id, read.title, read.categories, read.attributes, read.text)


def _batches(items: Iterable[tuple[Item, int]]) -> Iterator[tuple[int, list[Item]]]:
    """Yields batches that fit in a request, each with the place of its first item. The last of an id counts."""
    batch: list[Item] = []
    size = first = 0
    ids: set[str] = set()
    for place, (item, length) in enumerate(items):
        if batch and (len(batch) == MAX_ITEMS or size + length > _BATCH_BYTES or item.item_id in ids):
            yield first, batch
            batch, size, first, ids = [], 0, place, set()
        batch.append(item)
        ids.add(item.item_id)
        size += length
    if batch:
        yield first, batch
