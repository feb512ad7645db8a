"""Images of items, decoded once and kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import structlog
from PIL import Image, UnidentifiedImageError

from services.training.datasets import Item


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Pictures of equal size.

    Attributes:
        pixels: uint8 [items, 3, height, width], red, green and blue; 0 where an item has no picture.
        present: bool [items], whether it has one.
    """

    pixels: npt.NDArray[np.uint8]
    present: npt.NDArray[np.bool_]


def read_images(items: Sequence[Item], height: int, width: int) -> Images:
    """Decodes and scales the items' images; one that is missing or broken is as if there were none, and broken ones are logged.

    Args:
        items: In the order of their rows.
        height: To scale to, in pixels.
        width: To scale to, in pixels; proportions are not kept.
    """
    pixels = np.zeros((len(items), 3, height, width), dtype=np.uint8)
    present = np.zeros(len(items), dtype=np.bool_)
    broken = []
    for row, item in enumerate(items):
        if item.image is None:
            continue
        try:
            with Image.open(item.image) as picture:
                scaled = picture.convert("RGB").resize((width, height), Image.Resampling.BOX)
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
            broken.append(item.id)
            continue
        pixels[row] = np.asarray(scaled).transpose(2, 0, 1)
        present[row] = True
    if broken:
        structlog.get_logger().warning("images cannot be read", count=len(broken), first=broken[0])
    return Images(pixels, present)
