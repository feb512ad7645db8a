"""Publishes the workload's snapshot, once: building the index of a million items takes minutes."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.training.annoy_index import build_index, fit_search, measure_curve
from services.training.config import IndexConfig
from services.training.graph import simplify
from shared.features import UserFeatureTransform
from shared.snapshot.catalogue import Catalogue, CatalogueItem, write_catalogue
from shared.snapshot.golden import GoldenEncoding, GoldenRanking, GoldenRequests, write_golden
from shared.snapshot.manifest import FORMAT_VERSION, ChannelEntry, FeatureSchema, Manifest, RankerEntry
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import list_files
from tests.bench.workload import graphs
from tests.bench.workload.shape import (
    DIMENSION,
    ITEM_FEATURES,
    ITEMS_IN_CLUSTER,
    MAX_HISTORY,
    TREES,
    USER_FIELDS,
    Workload,
    draw,
    item_id,
)
from tests.snapshot_graphs import mean_graph
from tests.snapshot_weights import masked_mean

#: Grows when the same size and seed would give another snapshot than before.
VERSION = 3

#: Real queries that the index is fitted with; exact search for each looks at every item.
FITTING_QUERIES = 50
INDEX = IndexConfig(neighbours=500, max_loss=0.05, trees=TREES)

_GOLDEN = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """The workload, ready to be served.

    Attributes:
        repository: With the snapshot as the current one.
        manifest: Of the snapshot.
        workload: What it was made of.
    """

    repository: SnapshotRepository
    manifest: Manifest
    workload: Workload


def prepare(root: Path, items: int, seed: int = 0) -> Prepared:
    """Returns the workload of a size, and publishes its snapshot below `root` unless that was done before."""
    workload = draw(items, seed)
    repository = SnapshotRepository(root / f"items-{items}")
    snapshot_id = f"bench-{VERSION}-{items}-{seed}"
    if snapshot_id not in repository.ids():
        with repository.staging() as folder:
            repository.publish(folder, _write(folder, snapshot_id, workload, seed))
    repository.activate(snapshot_id)
    return Prepared(repository, repository.manifest(snapshot_id), workload)


def _write(folder: Path, snapshot_id: str, workload: Workload, seed: int) -> Manifest:
    items = len(workload.vectors)
    channel = folder / "channels" / "taste"
    channel.mkdir(parents=True)
    write_catalogue(Catalogue(_item(row) for row in range(items)), folder / "catalogue.jsonl")
    np.save(folder / "item_features.npy", workload.item_features)
    np.save(folder / "popularity.npy", workload.popularity)
    np.save(channel / "item_vectors.npy", workload.vectors)
    (channel / "encoder.onnx").write_bytes(mean_graph(workload.vectors))
    (folder / "ranker").mkdir()
    ranker = folder / "ranker" / "model.onnx"
    ranker.write_bytes(graphs.ranker_graph(workload))
    simplify(ranker)  # as training does with what it exports
    write_golden(_golden(workload), folder / "golden.json")
    started = time.perf_counter()
    index = build_index(workload.vectors, TREES, seed, channel / "index.ann")
    seconds = time.perf_counter() - started
    histories = [person.rows for person in workload.people[:FITTING_QUERIES]]
    queries = masked_mean(workload.vectors, np.stack([_padded(rows) for rows in histories]))
    fit = fit_search(index, workload.vectors, queries, histories, INDEX)
    curve = measure_curve(index, workload.vectors, queries, histories, INDEX.neighbours)
    return Manifest(
        format_version=FORMAT_VERSION,
        id=snapshot_id,
        created="2026-01-01T00:00:00Z",
        dataset="bench",
        items=items,
        max_history=MAX_HISTORY,
        feature_schema=FeatureSchema(USER_FIELDS, tuple(f"feature_{column}" for column in range(ITEM_FEATURES))),
        channels=(
            ChannelEntry(
                name="taste",
                kind="annoy",
                quota=1.0,
                dimension=DIMENSION,
                trees=TREES,
                search_k=fit.search_k,
                encoder="channels/taste/encoder.onnx",
                index="channels/taste/index.ann",
                vectors="channels/taste/item_vectors.npy",
                curve=curve,
            ),
        ),
        ranker=RankerEntry("ranker/model.onnx"),
        objectives=("click",),
        files=list_files(folder),
        metrics={"index.loss": fit.loss, "index.milliseconds": fit.milliseconds},
        training={"seed": seed, "index.seconds": round(seconds, 1)},
    )


def _item(row: int) -> CatalogueItem:
    cluster = row // ITEMS_IN_CLUSTER
    return CatalogueItem(
        id=item_id(row),
        title=f"The {cluster % 997}th tale, part {row}",
        categories=(f"genre-{cluster % 20}", f"mood-{row % 7}"),
        attributes={"year": float(1960 + row % 66)},
    )


def _golden(workload: Workload) -> GoldenRequests:
    transform = UserFeatureTransform(USER_FIELDS)
    people = workload.people[:_GOLDEN]
    history = np.stack([_padded(person.rows) for person in people])
    users = np.stack([transform(person.attributes) for person in people])
    owners = np.repeat(np.arange(_GOLDEN), 5)
    candidates = np.arange(len(owners))
    scores = graphs.scores(workload.layers, users[owners], workload.item_features[candidates])
    query = masked_mean(workload.vectors, history)
    return GoldenRequests(
        encoders=[GoldenEncoding("taste", history.tolist(), users.tolist(), query.tolist())],
        ranker=[GoldenRanking(history.tolist(), users.tolist(), candidates.tolist(), owners.tolist(), scores.tolist())],
    )


def _padded(rows: np.ndarray) -> np.ndarray:
    return np.pad(rows.astype(np.int64), (MAX_HISTORY - len(rows), 0), constant_values=-1)
