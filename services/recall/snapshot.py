"""What recall takes from a snapshot, checked and warmed before it is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from services.recall.annoy_channel import AnnoyChannel
from services.recall.audit import NO_AUDIT, RecallAudit
from services.recall.channel import Channel, Floats, SimilarityChannel
from services.recall.crew import ALONE, Crew
from services.recall.index_loading import open_index
from services.recall.live.companions import Companions
from services.recall.live.item_rows import ItemRows
from services.recall.live.live_items import LiveItems
from services.recall.live.placing import Placer
from services.recall.merge import MAX_CHANNELS
from services.recall.popularity_channel import PopularityChannel
from services.recall.search_depth import DEFAULT_TARGET, depth_for
from shared.features import UserFeatureTransform
from shared.history import NO_ITEM
from shared.onnx_session import OnnxModel
from shared.snapshot.arrays import map_floats
from shared.snapshot.creation import created_ms
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.golden import GoldenEncoding, check_replay, read_golden
from shared.snapshot.graphs import ENCODER
from shared.snapshot.manifest import ChannelEntry, Manifest
from shared.snapshot.projection import read_projection
from shared.snapshot.verification import verify_files
from shared.tensors import Ragged

#: Batches that encoders are run on before they serve, as queries; ONNX Runtime allocates on the first run of a shape.
WARM_BATCHES = (1, 8, 64)

#: Candidates that the warming searches look for.
WARM_LIMIT = 500


@dataclass(frozen=True)
class RecallSnapshot:
    """One snapshot, as recall serves it.

    Attributes:
        items: Rows of the catalogue.
        max_history: History items that the encoders look at.
        user_features: How many features a user has.
        channels: All channels, in the order of the manifest.
        similarity_channels: Those that know which items are alike, in the same order.
        live: The items beside the snapshot.
    """

    items: int
    max_history: int
    user_features: int
    channels: tuple[Channel, ...]
    similarity_channels: tuple[SimilarityChannel, ...]
    live: LiveItems


def load_snapshot(
    folder: Path,
    manifest: Manifest,
    threads: int,
    *,
    recall_target: float = DEFAULT_TARGET,
    crew: Crew = ALONE,
    audit: RecallAudit = NO_AUDIT,
    learn_from_histories: bool = True,
) -> RecallSnapshot:
    """Verifies, opens, replays and warms what recall needs of a snapshot. Takes seconds; not for the event loop.

    Args:
        folder: The snapshot's folder.
        manifest: Its table of contents.
        threads: Threads that an encoder may use.
        recall_target: The share of exact search's candidates that a search through Annoy should find.
        crew: Who may help with a batch that takes long.
        audit: Measures that share while serving.
        learn_from_histories: Whether new items are placed by what they are taken with too.

    Raises:
        SnapshotRefused: a file is not what training wrote, or the files do not fit together.
    """
    _check_channels(manifest)
    verify_files(folder, manifest, only=_paths(manifest))
    popularity = map_floats(folder, manifest.popularity, (manifest.items,))
    channels = tuple(
        PopularityChannel.of_weights(entry.name, entry.quota, popularity)
        if entry.kind == "popularity"
        else AnnoyChannel(
            entry.name,
            entry.quota,
            _open_encoder(folder, entry, threads),
            open_index(folder, entry, manifest.items, depth_for(entry, recall_target), crew),
            audit,
        )
        for entry in manifest.channels
    )
    annoy_channels = tuple(channel for channel in channels if isinstance(channel, AnnoyChannel))
    golden = read_golden(folder / manifest.golden).encoders
    for channel in annoy_channels:
        _replay(manifest, channel, [one for one in golden if one.channel == channel.name])
        _warm(manifest, channel)
    live = LiveItems(
        manifest.items,
        created_ms(manifest),
        channels,
        partial(ItemRows.read, folder / manifest.catalogue),
        _placer(folder, manifest, annoy_channels, popularity),
        companions=Companions(manifest.items, manifest.max_history) if learn_from_histories else None,
    )
    return RecallSnapshot(
        manifest.items, manifest.max_history, _user_features(manifest), channels, annoy_channels, live
    )


def _check_channels(manifest: Manifest) -> None:
    names = [entry.name for entry in manifest.channels]
    if not 1 <= len(names) <= MAX_CHANNELS or len(set(names)) != len(names):
        raise SnapshotRefused(manifest.id, f"it needs 1 to {MAX_CHANNELS} channels, each with a name of its own")
    for entry in manifest.channels:
        if not 0.0 < entry.quota < np.inf:
            raise SnapshotRefused(manifest.id, f"channel {entry.name} has quota {entry.quota}; it must be above 0")
    if all(entry.kind == "popularity" for entry in manifest.channels):
        raise SnapshotRefused(manifest.id, "it has no channel of vectors, so nothing is known to be alike")


def _paths(manifest: Manifest) -> list[str]:
    paths = [manifest.golden, manifest.catalogue, manifest.popularity]
    for entry in manifest.channels:
        if entry.kind != "popularity":
            paths += [entry.encoder, entry.index, entry.vectors]
        if entry.projection is not None:
            paths += [entry.projection.words, entry.projection.components]
    return paths


def _placer(folder: Path, manifest: Manifest, channels: Sequence[AnnoyChannel], popularity: Floats) -> Placer | None:
    """Returns what places new items; None for a snapshot that cannot, such as one of an earlier version."""
    entries = [entry for entry in manifest.channels if entry.kind != "popularity"]
    for place, entry in enumerate(entries):
        if entry.projection is not None:
            projection = read_projection(folder, entry.projection, entry.dimension)
            return Placer(projection, place, [channel.index for channel in channels], popularity)
    return None


def _open_encoder(folder: Path, entry: ChannelEntry, threads: int) -> OnnxModel:
    try:
        return ENCODER.open(folder / entry.encoder, threads)
    except Exception as error:  # ONNX Runtime's own errors have no class in common but this one
        raise SnapshotRefused(folder.name, f"{entry.encoder} is no encoder: {error}") from error


def _replay(manifest: Manifest, channel: AnnoyChannel, golden: list[GoldenEncoding]) -> None:
    if not golden:
        raise SnapshotRefused(manifest.id, f"{manifest.golden} has no request for channel {channel.name}")
    for one in golden:
        history = np.array(one.history, dtype=np.int64)
        queries = channel.encode(history, np.array(one.user_features, dtype=np.float32))
        check_replay(manifest.id, f"the encoder of channel {channel.name}", queries, one.query)


def _warm(manifest: Manifest, channel: AnnoyChannel) -> None:
    for queries in WARM_BATCHES:
        for width in (1, manifest.max_history):
            history = np.full((queries, width), NO_ITEM, dtype=np.int64)
            history[:, -1] = 0
            encoded = channel.encode(history, np.zeros((queries, _user_features(manifest)), dtype=np.float32))
        nothing = Ragged(np.empty(0, dtype=np.uint32), np.zeros(queries + 1, dtype=np.int64))
        channel.index.search(encoded, nothing, WARM_LIMIT)  # not the channel's own, whose answers are audited


def _user_features(manifest: Manifest) -> int:
    return UserFeatureTransform(manifest.feature_schema.user_fields).width
