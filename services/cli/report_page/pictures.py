"""Pictures of items as thumbnails within the page."""

import base64
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.cli.report_page.people import Example
from services.training.datasets import Dataset

#: So many pictures make a page of about half a megabyte.
MOST = 80

#: Pixels: twice what they are shown in, for sharp screens.
WIDTH, HEIGHT = 128, 192

_QUALITY = 80


def pictures(dataset: Dataset, examples: Iterable[Example]) -> dict[str, str]:
    """Returns the picture of each item that the examples show, as a data URI by item id, for those that have one.

    One that cannot be read is left out, and so are those beyond `MOST`.
    """
    files = {item.id: item.image for item in dataset.items if item.image is not None}
    found: dict[str, str] = {}
    for item_id in dict.fromkeys(_shown(examples)):
        if item_id in files and len(found) < MOST and (thumbnail := data_uri(files[item_id])):
            found[item_id] = thumbnail
    return found


def data_uri(file: Path) -> str | None:
    """Returns a picture, made small, as a `data:` URI of a JPEG; None where it cannot be read."""
    from PIL import Image  # noqa: PLC0415 - only where there are pictures

    try:
        with Image.open(file) as image:
            small = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    small.thumbnail((WIDTH, HEIGHT))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"


def _shown(examples: Iterable[Example]) -> Iterator[str]:
    for example in examples:
        yield example.target.item_id
        yield from (item.item_id for item in example.history)
        yield from (one.item.item_id for one in example.recommended)
