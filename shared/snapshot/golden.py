"""Golden requests: inputs with the outputs that training computed, replayed before a service trusts a snapshot."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.snapshot.errors import SnapshotRefused

#: How far, absolutely and relatively, a replayed output may be from what training computed.
TOLERANCE = 1e-4


class GoldenEncoding(msgspec.Struct, frozen=True):
    """What an encoder must give for a batch.

    Attributes:
        channel: The channel whose encoder it is.
        history: [queries][history], rows padded on the left with -1.
        user_features: [queries][user features].
        query: [queries][dimension], the query vectors.
    """

    channel: str
    history: list[list[int]]
    user_features: list[list[float]]
    query: list[list[float]]


class GoldenRanking(msgspec.Struct, frozen=True):
    """What the ranker must give for a batch; candidate features are gathered from the snapshot's matrix.

    Attributes:
        history: [queries][history], rows padded on the left with -1.
        user_features: [queries][user features].
        candidates: [candidates], rows.
        candidate_query: [candidates], the query of each.
        scores: [candidates][objectives].
    """

    history: list[list[int]]
    user_features: list[list[float]]
    candidates: list[int]
    candidate_query: list[int]
    scores: list[list[float]]


class GoldenRequests(msgspec.Struct, frozen=True):
    """All golden requests of a snapshot."""

    encoders: list[GoldenEncoding]
    ranker: list[GoldenRanking]


def write_golden(golden: GoldenRequests, path: Path) -> None:
    """Writes golden requests to `path`."""
    path.write_bytes(msgspec.json.encode(golden))


def read_golden(path: Path) -> GoldenRequests:
    """Reads golden requests.

    Raises:
        SnapshotRefused: the file holds none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=GoldenRequests)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotRefused(path.parent.name, f"{path.name} holds no golden requests: {error}") from error


def check_replay(
    snapshot_id: str,
    what: str,
    replayed: NDArray[np.float32],
    expected: list[list[float]],
    tolerance: float = TOLERANCE,
) -> None:
    """Checks that a replayed golden request gives what training computed.

    Args:
        snapshot_id: The snapshot that is being loaded.
        what: Which model was replayed, for the error.
        replayed: What it gave, float32 [rows, columns].
        expected: What training computed.
        tolerance: How far, absolutely and relatively, a number may be off; a model of lower precision has its own.

    Raises:
        SnapshotRefused: the shapes differ, or a number is further off than `tolerance`.
    """
    wanted = np.asarray(expected, dtype=np.float32)
    if replayed.shape != wanted.shape:
        raise SnapshotRefused(snapshot_id, f"{what} gives shape {replayed.shape} where golden.json has {wanted.shape}")
    if not np.allclose(replayed, wanted, rtol=tolerance, atol=tolerance):
        worst = float(np.abs(replayed - wanted).max())
        raise SnapshotRefused(snapshot_id, f"{what} is off by {worst:.3g} from what training computed")
