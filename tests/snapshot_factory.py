"""Builds a small but real snapshot in well under a second: true ONNX graphs, true Annoy indexes, no training.

Two Annoy channels and a popularity channel. `two_tower` looks at history and user features, so it finds something for
anybody; `content` looks at history alone, so an empty one encodes to the zero vector. Every weight follows from the
seed, and `Weights` gives in NumPy what the graphs must give.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from shared.feature_views import CategoricalField, FeatureView, FloatField, digest
from shared.features import UserFeatureTransform
from shared.inner_product import augment
from shared.snapshot.catalogue import Catalogue, CatalogueItem, write_catalogue
from shared.snapshot.golden import GoldenEncoding, GoldenRanking, GoldenRequests, write_golden
from shared.snapshot.manifest import (
    FORMAT_VERSION,
    ChannelEntry,
    FeatureSchema,
    Manifest,
    ProjectionEntry,
    RankerEntry,
    SearchPoint,
)
from shared.snapshot.projection import write_projection
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files
from shared.word_projection import WordProjection
from tests.snapshot_graphs import mean_graph, ranker_graph, two_tower_graph
from tests.snapshot_weights import CONTENT_DIMENSION, ITEM_FEATURES, OBJECTIVES, USER_FIELDS, Weights

TREES = 10
SEARCH_K = 400
#: As training would measure it.
CURVE = (
    SearchPoint(neighbours=100, search_k=SEARCH_K, recall=0.9, milliseconds=0.25),
    SearchPoint(neighbours=100, search_k=2 * SEARCH_K, recall=0.98, milliseconds=0.5),
)
MAX_HISTORY = 12
CREATED = "2026-01-01T00:00:00Z"
SCHEMA = FeatureSchema(USER_FIELDS, ITEM_FEATURES)
QUOTAS = {"two_tower": 3.0, "content": 1.0, "popularity": 1.0}
CATEGORIES = ("action", "comedy", "drama", "horror", "romance")
LANGUAGES = ("en", "fr", "ja")

#: What items that join later may be described with, besides the categories.
WORDS = ("harbour", "storm", "detective", "nursery", "desert", "orchestra", "winter", "robot")
PROJECTION = ProjectionEntry(words="channels/content/words.json", components="channels/content/components.npy")

#: What the features of a test snapshot follow from.
VIEWS = (
    FeatureView(
        name="person",
        entity="user",
        fields=(CategoricalField("gender", vocabulary=("F", "M")), FloatField("age")),
    ),
    FeatureView(name="film", entity="item", fields=tuple(FloatField(name, default=0.0) for name in ITEM_FEATURES)),
)

#: Changes a staged folder before its checksums are taken, for a snapshot that is wrong in itself.
Spoil = Callable[[Path], None]


def build_snapshot(
    root: Path,
    snapshot_id: str = "snapshot-1",
    *,
    items: int = 200,
    seed: int = 0,
    activate: bool = True,
    created: str = CREATED,
    schema: FeatureSchema = SCHEMA,
    spoil: Spoil | None = None,
    words: bool = True,
    views: tuple[FeatureView, ...] = (),
) -> Manifest:
    """Publishes a snapshot below `root`.

    Args:
        root: The repository's folder; it need not exist.
        snapshot_id: The snapshot's name.
        items: Rows of the catalogue, at least 10.
        seed: What every weight, vector and category follows from.
        activate: Whether to point `current` at it.
        created: When it says that it was made.
        schema: The features; their number is that of `SCHEMA`.
        spoil: Changes the files before their checksums are taken.
        words: Whether it has the projection of words that new items are placed with.
        views: The feature views that it says its features follow from, such as `VIEWS`; none as in an old snapshot.

    Returns:
        The manifest, as published.
    """
    repository = SnapshotRepository(root)
    weights = Weights.draw(items, seed)
    with repository.staging() as folder:
        write_catalogue(_catalogue(items, seed), folder / "catalogue.jsonl")
        np.save(folder / "item_features.npy", weights.item_features)
        np.save(folder / "popularity.npy", weights.popularity)
        _write_channel(folder / "channels" / "two_tower", weights.tower_vectors, two_tower_graph(weights))
        _write_channel(folder / "channels" / "content", weights.content_vectors, mean_graph(weights.content_vectors))
        if words:
            write_projection(word_projection(seed), folder, PROJECTION)
        (folder / "ranker").mkdir()
        (folder / "ranker" / "model.onnx").write_bytes(ranker_graph(weights))
        write_golden(_golden(weights, seed), folder / "golden.json")
        if spoil is not None:
            spoil(folder)
        if views:
            schema = msgspec.structs.replace(schema, views=views, views_digest=digest(views))
        manifest = _manifest(
            folder, snapshot_id, weights, created=created, schema=schema, projection=PROJECTION if words else None
        )
        repository.publish(folder, manifest)
    if activate:
        repository.activate(snapshot_id)
    return manifest


def word_projection(seed: int = 0) -> WordProjection:
    """Returns what places new items beside the snapshot of that seed: each word has a direction of its own."""
    terms = [*WORDS, *(f"category_{category}" for category in CATEGORIES)]
    components = np.random.default_rng([seed, 3]).standard_normal((len(terms), CONTENT_DIMENSION), dtype=np.float32)
    return WordProjection(r"(?u)\b\w\w+\b", terms, np.ones(len(terms)), components)


def left_pad(histories: list[list[int]], width: int = MAX_HISTORY) -> NDArray[np.int64]:
    """Returns histories as the graphs take them: int64 [queries, width], -1 on the left."""
    return np.array([[-1] * (width - len(rows[-width:])) + rows[-width:] for rows in histories], dtype=np.int64)


def _write_channel(folder: Path, vectors: NDArray[np.float32], encoder: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / "encoder.onnx").write_bytes(encoder)
    np.save(folder / "item_vectors.npy", vectors)
    index = AnnoyIndex(vectors.shape[1] + 1, "angular")
    index.set_seed(1)
    for row, vector in enumerate(augment(vectors)):
        index.add_item(row, vector)
    index.build(TREES, n_jobs=1)
    index.save(str(folder / "index.ann"))


def _catalogue(items: int, seed: int) -> Catalogue:
    random = np.random.default_rng([seed, 1])
    return Catalogue(
        CatalogueItem(
            id=f"item-{row:05d}",
            title=f"Title {row}",
            categories=tuple(random.choice(CATEGORIES, size=random.integers(1, 3), replace=False).tolist()),
            attributes={"year": float(random.integers(1960, 2026)), "language": str(random.choice(LANGUAGES))},
        )
        for row in range(items)
    )


def _golden(weights: Weights, seed: int) -> GoldenRequests:
    random = np.random.default_rng([seed, 2])
    items = len(weights.popularity)
    history = left_pad([[], *(random.integers(0, items, size=length).tolist() for length in (1, 5, MAX_HISTORY))])
    transform = UserFeatureTransform(USER_FIELDS)
    people: tuple[dict[str, str | float], ...] = ({}, {"gender": "F", "age": 24.0}, {"gender": "M"}, {"age": 61.0})
    user_features = np.stack([transform(attributes) for attributes in people])
    candidates = random.integers(0, items, size=20)
    candidate_query = np.repeat(np.arange(len(history)), 5)
    features = weights.item_features[candidates]
    scores = weights.scores(history, user_features, candidates, features, candidate_query)
    queries = {"two_tower": weights.tower_queries(history, user_features), "content": weights.content_queries(history)}
    return GoldenRequests(
        encoders=[
            GoldenEncoding(channel, history.tolist(), user_features.tolist(), query.tolist())
            for channel, query in queries.items()
        ],
        ranker=[
            GoldenRanking(
                history.tolist(), user_features.tolist(), candidates.tolist(), candidate_query.tolist(), scores.tolist()
            )
        ],
    )


def _manifest(
    folder: Path,
    snapshot_id: str,
    weights: Weights,
    *,
    created: str,
    schema: FeatureSchema,
    projection: ProjectionEntry | None,
) -> Manifest:
    dimensions = {"two_tower": weights.tower_vectors.shape[1], "content": weights.content_vectors.shape[1]}
    annoy_channels = tuple(
        ChannelEntry(
            name=name,
            kind="annoy",
            quota=QUOTAS[name],
            dimension=dimension,
            trees=TREES,
            search_k=SEARCH_K,
            encoder=f"channels/{name}/encoder.onnx",
            index=f"channels/{name}/index.ann",
            vectors=f"channels/{name}/item_vectors.npy",
            curve=CURVE,
            projection=projection if name == "content" else None,
        )
        for name, dimension in dimensions.items()
    )
    return Manifest(
        format_version=FORMAT_VERSION,
        id=snapshot_id,
        created=created,
        dataset="factory",
        items=len(weights.popularity),
        max_history=MAX_HISTORY,
        feature_schema=schema,
        channels=(*annoy_channels, ChannelEntry(name="popularity", kind="popularity", quota=QUOTAS["popularity"])),
        ranker=RankerEntry("ranker/model.onnx"),
        objectives=OBJECTIVES,
        files=list_files(folder),
    )
