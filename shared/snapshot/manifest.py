"""The manifest: what a snapshot holds, and a checksum for every file of it."""

from pathlib import Path
from typing import Literal

import msgspec

from shared.feature_views import FeatureView
from shared.features import UserField
from shared.snapshot.errors import SnapshotRefused

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"


class FileEntry(msgspec.Struct, frozen=True):
    """One file of the snapshot.

    Attributes:
        path: Relative to the snapshot's folder, with forward slashes.
        bytes: Its size.
        sha256: Its checksum, in hexadecimal.
    """

    path: str
    bytes: int
    sha256: str


class FeatureSchema(msgspec.Struct, frozen=True):
    """The features that the models were trained on.

    Attributes:
        user_fields: The users' attributes and how each is transformed.
        item_features: The names of the columns of item_features.npy.
        item_ttl_seconds: For each of them, how long a value that was written over the snapshot's own is served; 0 for
            ever. Empty: all for ever.
        views: The declaration that both follow from, of users and items; empty in a snapshot from before there were any.
        views_digest: `shared.feature_views.digest` of the views.
    """

    user_fields: tuple[UserField, ...]
    item_features: tuple[str, ...]
    item_ttl_seconds: tuple[float, ...] = ()
    views: tuple[FeatureView, ...] = ()
    views_digest: str = ""


class SearchPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a depth of search reaches, measured in training with real queries.

    Attributes:
        neighbours: The length of the lists that were compared with exact search's.
        search_k: Nodes that the search inspected.
        recall: Share of exact search's unseen items that it found, on average over the queries.
        milliseconds: Of a search, on average, on the machine and thread that trained.
    """

    neighbours: int
    search_k: int
    recall: float
    milliseconds: float


class ProjectionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How the words of an item become a vector of its channel, so that items can join that were not trained with.

    Attributes:
        words: Path of the vocabulary and of how a document is cut into terms; see `shared.snapshot.projection`.
        components: Path of the components, float32 [terms, dimension].
    """

    words: str
    components: str


class ChannelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One recall channel.

    Attributes:
        name: Unique in the snapshot.
        kind: "annoy" searches an index with an encoded query; "popularity" needs neither.
        quota: The share of the candidates that this channel may contribute when all channels have enough,
            relative to the other channels' quotas.
        dimension: Length of the item vectors, without the augmenting axis of the index; 0 for "popularity".
        trees: Trees of the Annoy index.
        search_k: Nodes that a search inspects; measured in training so that what is lost is within its bound.
        encoder: Path of the ONNX encoder, history to query vector.
        index: Path of the Annoy index, angular over augmented vectors.
        vectors: Path of the item vectors, float32 [items, dimension].
        curve: What other depths reach, by rising search_k; empty in a snapshot that was written before it was measured.
        projection: Of a channel whose vectors are made of words; None for others, and in a snapshot that was written
            before there was one. Without any the snapshot takes no new items.
    """

    name: str
    kind: Literal["annoy", "popularity"]
    quota: float
    dimension: int = 0
    trees: int = 0
    search_k: int = 0
    encoder: str = ""
    index: str = ""
    vectors: str = ""
    curve: tuple[SearchPoint, ...] = ()
    projection: ProjectionEntry | None = None


class RankerVariant(msgspec.Struct, frozen=True, kw_only=True):
    """The ranker in a lower precision, recorded only when it ranks as well as the full one, within training's bounds.

    All figures compare it with the full precision on recall's candidates for validation queries.

    Attributes:
        precision: "fp16" holds and computes 16-bit floats; "int8" multiplies 8-bit integers.
        model: Path of the ONNX model, whose inputs and output are those of the full one.
        tolerance: How far, absolutely and relatively, replayed golden scores may be from those of the full precision.
        spearman: Mean over queries of Spearman's rank correlation of the scores.
        overlap: Mean share of the first ten candidates that are also among the first ten of the full precision.
        ndcg_loss: Share of the full precision's NDCG@10 that is lost; below 0 where it gained.
    """

    precision: Literal["fp16", "int8"]
    model: str
    tolerance: float
    spearman: float
    overlap: float
    ndcg_loss: float


class RankerEntry(msgspec.Struct, frozen=True):
    """The ranker.

    Attributes:
        model: Path of the ONNX model, in full precision.
        variants: The same in lower precisions.
    """

    model: str
    variants: tuple[RankerVariant, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot's table of contents.

    Attributes:
        format_version: `FORMAT_VERSION` of the writer.
        id: Name of the snapshot and of its folder.
        created: RFC 3339, UTC.
        dataset: Name of the data it was trained on.
        items: Rows of the catalogue.
        max_history: History items that the models look at; older ones make no difference.
        feature_schema: The features that the models were trained on.
        channels: The recall channels.
        ranker: The ranker.
        objectives: Names of the ranker's scores, in order.
        metrics: Offline metrics by dotted name, such as `test.ranked.ndcg@10`.
        training: What the snapshot was trained with: seed, versions, configuration.
        catalogue: Path of the catalogue.
        item_features: Path of the item feature matrix, float32 [items, item features].
        popularity: Path of the popularity weights, float32 [items].
        golden: Path of the golden requests.
        files: Every file but the manifest itself.
    """

    format_version: int
    id: str
    created: str
    dataset: str
    items: int
    max_history: int
    feature_schema: FeatureSchema
    channels: tuple[ChannelEntry, ...]
    ranker: RankerEntry
    objectives: tuple[str, ...]
    files: tuple[FileEntry, ...]
    metrics: dict[str, float] = {}
    training: dict[str, str | int | float | bool] = {}
    catalogue: str = "catalogue.jsonl"
    item_features: str = "item_features.npy"
    popularity: str = "popularity.npy"
    golden: str = "golden.json"


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest in a snapshot's folder.

    Raises:
        SnapshotRefused: it is missing, no manifest, or of a format that this version does not read.
    """
    path = folder / MANIFEST_FILE
    try:
        encoded = path.read_bytes()
        version = msgspec.json.decode(encoded, type=_Versioned).format_version
        if version != FORMAT_VERSION:
            raise SnapshotRefused(
                folder.name, f"its format is {version}; this version of winnow reads {FORMAT_VERSION}"
            )
        return msgspec.json.decode(encoded, type=Manifest)
    except OSError as error:
        raise SnapshotRefused(folder.name, f"{MANIFEST_FILE} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotRefused(folder.name, f"{MANIFEST_FILE} is not a manifest: {error}") from error


def encode_manifest(manifest: Manifest) -> bytes:
    """Returns the manifest as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


class _Versioned(msgspec.Struct):
    format_version: int
