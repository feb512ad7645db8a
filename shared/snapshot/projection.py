"""The files that hold the projection of words of a content channel."""

import re
from pathlib import Path

import msgspec
import numpy as np

from shared.snapshot.arrays import map_floats
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import ProjectionEntry
from shared.word_projection import WordProjection


class _Words(msgspec.Struct, frozen=True):
    """The file of words; see `WordProjection`."""

    token_pattern: str
    terms: list[str]
    idf: list[float]


def write_projection(projection: WordProjection, folder: Path, entry: ProjectionEntry) -> None:
    """Writes a projection.

    Args:
        projection: What training has learnt about words.
        folder: The snapshot's folder; those that the files are in must exist.
        entry: The paths in it.
    """
    words = _Words(projection.token_pattern, list(projection.terms), projection.idf.tolist())
    (folder / entry.words).write_bytes(msgspec.json.encode(words))
    np.save(folder / entry.components, projection.components)


def read_projection(folder: Path, entry: ProjectionEntry, dimension: int) -> WordProjection:
    """Reads a projection; its components lie in the page cache.

    Args:
        folder: The snapshot's folder.
        entry: The paths in it.
        dimension: Of the channel's vectors.

    Raises:
        SnapshotRefused: the files hold no projection to that dimension.
    """
    try:
        words = msgspec.json.decode((folder / entry.words).read_bytes(), type=_Words)
        re.compile(words.token_pattern)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, re.error) as error:
        raise SnapshotRefused(folder.name, f"{entry.words} holds no words: {error}") from error
    idf = np.array(words.idf, dtype=np.float64)
    if len(idf) != len(words.terms) or len(set(words.terms)) != len(words.terms) or not np.isfinite(idf).all():
        raise SnapshotRefused(folder.name, f"{entry.words} does not give each term a weight, or has a term twice")
    components = map_floats(folder, entry.components, (len(idf), dimension))
    return WordProjection(words.token_pattern, words.terms, idf, components)
