"""The ids of users and items to ask for, and how they are drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

Distribution = Literal["uniform", "zipf"]

_DRAWS_AT_ONCE = 4096
_RANGE = re.compile(r"(\d+)-(\d+)")


def read_ids(text: str) -> Sequence[str]:
    """Returns the ids that an option names.

    Args:
        text: A range of numbers such as `1-6040`; a file such as `@users.txt` with an id a line, or `@users.jsonl` with
            an object with an `id` a line; or ids with commas between.

    Raises:
        ValueError: there are none, or the file cannot be read.
    """
    if match := _RANGE.fullmatch(text):
        first, last = int(match[1]), int(match[2])
        ids = [str(number) for number in range(first, last + 1)]
    elif text.startswith("@"):
        ids = list(_in_file(Path(text[1:])))
    else:
        ids = [one for one in text.split(",") if one]
    if not ids:
        raise ValueError(f"{text!r} names no id")
    return ids


def draw(ids: Sequence[str], distribution: Distribution, exponent: float, rng: np.random.Generator) -> Iterator[str]:
    """Yields ids for ever.

    Args:
        ids: What is drawn from; under Zipf's law the first is the most frequent.
        distribution: "uniform", or "zipf": the r-th id comes in proportion to 1 / r^exponent.
        exponent: Of Zipf's law.
        rng: Where chance comes from.
    """
    weights = np.arange(1, len(ids) + 1, dtype=np.float64) ** -(exponent if distribution == "zipf" else 0.0)
    borders = np.cumsum(weights / weights.sum())
    while True:
        rows = np.searchsorted(borders, rng.random(_DRAWS_AT_ONCE), side="right")
        yield from (ids[min(row, len(ids) - 1)] for row in rows.tolist())


def _in_file(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(filter(str.strip, lines), start=1):
        if path.suffix != ".jsonl":
            yield line.strip()
            continue
        try:
            yield str(json.loads(line)["id"])
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}:{number} is no JSON object with an id") from error
