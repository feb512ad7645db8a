"""The whole job, on a data set with one truth."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from services.training.datasets import Dataset
from services.training.job import TrainingOutcome, train
from services.training.report import Report
from shared.feature_views import digest
from shared.snapshot.catalogue import read_catalogue
from shared.snapshot.golden import TOLERANCE, read_golden
from shared.snapshot.graphs import ENCODER, RANKER
from shared.snapshot.manifest import Manifest, read_manifest
from shared.snapshot.repository import SnapshotRepository
from shared.snapshot.verification import verify_files
from tests.unit.training.chains import EVENTS, ITEMS, chain_dataset, tiny_config


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    """One run of the job."""
    return train(tiny_config(), chain_dataset(), tmp_path_factory.mktemp("snapshots") / "root")


@pytest.fixture(scope="module")
def manifest(outcome: TrainingOutcome) -> Manifest:
    """The manifest of what the run published."""
    return read_manifest(outcome.folder)


def test_a_complete_snapshot_is_published_and_made_current(outcome: TrainingOutcome, manifest: Manifest) -> None:
    """Every file is in the manifest with its checksum, every path in it is a file, and nothing else is left."""
    repository = SnapshotRepository(outcome.folder.parent)

    verify_files(outcome.folder, manifest)

    assert repository.current() == outcome.snapshot_id == manifest.id
    assert sorted(path.name for path in repository.root.iterdir()) == sorted([outcome.snapshot_id, "current"])
    named = {manifest.catalogue, manifest.item_features, manifest.popularity, manifest.golden, manifest.ranker.model}
    for channel in manifest.channels:
        named |= {path for path in (channel.encoder, channel.index, channel.vectors) if path}
        if channel.projection is not None:
            named |= {channel.projection.words, channel.projection.components}
    named |= {variant.model for variant in manifest.ranker.variants}
    assert {entry.path for entry in manifest.files} == named | {"report.json", "report.md", "run.toml"}


def test_the_tables_agree_with_the_manifest(outcome: TrainingOutcome, manifest: Manifest) -> None:
    """The catalogue, the features, the popularity and the vectors have a row for each item, in the same order."""
    catalogue = read_catalogue(outcome.folder / manifest.catalogue)
    features = np.load(outcome.folder / manifest.item_features)
    popularity = np.load(outcome.folder / manifest.popularity)

    assert [item.id for item in catalogue] == [str(row) for row in range(ITEMS)]
    assert features.shape == (ITEMS, len(manifest.feature_schema.item_features))
    assert popularity.shape == (manifest.items,) == (ITEMS,)
    assert features.dtype == popularity.dtype == np.float32
    for channel in manifest.channels:
        if channel.kind == "annoy":
            assert np.load(outcome.folder / channel.vectors).shape == (ITEMS, channel.dimension)
    assert [field.name for field in manifest.feature_schema.user_fields] == ["age", "group"]
    assert manifest.objectives == ("next",)


def test_the_manifest_has_the_views_that_the_features_follow_from(manifest: Manifest) -> None:
    """So that serving reads the declaration that training read."""
    schema = manifest.feature_schema

    assert [(view.name, view.entity) for view in schema.views] == [("user", "user"), ("item", "item")]
    assert schema.views_digest == digest(schema.views)
    assert [field.name for view in schema.views for field in view.fields] == ["age", "group", "year"]
    assert schema.item_features[-2:] == ("year", "year missing")


def test_the_graphs_give_the_golden_scores(outcome: TrainingOutcome, manifest: Manifest) -> None:
    """Replayed as a service replays them, from the published files alone."""
    golden = read_golden(outcome.folder / manifest.golden)
    encoders = {
        channel.name: ENCODER.open(outcome.folder / channel.encoder, 1)
        for channel in manifest.channels
        if channel.kind == "annoy"
    }
    ranker = RANKER.open(outcome.folder / manifest.ranker.model, 1)
    features = np.load(outcome.folder / manifest.item_features)

    for encoding in golden.encoders:
        query = encoders[encoding.channel](
            history=np.asarray(encoding.history), user_features=np.asarray(encoding.user_features, dtype=np.float32)
        )
        np.testing.assert_allclose(query, encoding.query, rtol=TOLERANCE, atol=TOLERANCE)
    for ranking in golden.ranker:
        scores = ranker(
            history=np.asarray(ranking.history),
            user_features=np.asarray(ranking.user_features, dtype=np.float32),
            candidates=np.asarray(ranking.candidates),
            candidate_features=features[ranking.candidates],
            candidate_query=np.asarray(ranking.candidate_query),
        )
        np.testing.assert_allclose(scores, ranking.scores, rtol=TOLERANCE, atol=TOLERANCE)
    assert {encoding.channel for encoding in golden.encoders} == set(encoders) == {"collaborative", "content"}
    assert {len(encoding.history[0]) for encoding in golden.encoders} == {1, manifest.max_history}
    assert any(set(row) == {-1} for encoding in golden.encoders for row in encoding.history)


def test_what_follows_is_recommended_far_more_often_than_what_is_popular(outcome: TrainingOutcome) -> None:
    """Recall and the ranker both know the circle; popularity cannot."""
    stages = outcome.report.quality["test"]

    assert stages["collaborative"]["ndcg@10"] > 4 * stages["popularity"]["ndcg@10"]
    assert stages["ranked"]["ndcg@10"] > 4 * stages["popularity"]["ndcg@10"]
    assert stages["ranked"]["ndcg@10"] >= stages["merged"]["ndcg@10"] - 0.02


def test_variants_of_the_ranker_are_judged_and_kept_by_the_gate(outcome: TrainingOutcome, manifest: Manifest) -> None:
    """Each is either in the manifest or left out for a reason that the report gives."""
    report = outcome.report
    kept = {variant.precision for variant in manifest.ranker.variants}
    assert set(report.variants) == {"fp16", "int8"} == kept | set(report.left_out)
    assert not kept & set(report.left_out)
    assert all(variant.ndcg_loss <= 0.001 for variant in manifest.ranker.variants)


def test_the_report_stands_beside_the_manifest(outcome: TrainingOutcome, manifest: Manifest) -> None:
    """For programs and for people, and its metrics are the manifest's."""
    report = msgspec.json.decode((outcome.folder / "report.json").read_bytes(), type=Report)

    assert report == outcome.report
    assert report.metrics() == manifest.metrics
    assert outcome.snapshot_id in (outcome.folder / "report.md").read_text()
    assert report.onnx_deviation < TOLERANCE
    assert all(fit["loss"] <= 0.03 for fit in report.indexes.values())


def with_other_last_events(dataset: Dataset) -> Dataset:
    """The same events, but for the last one of every user, which is another item."""
    items = dataset.interactions.items.copy()
    items[EVENTS - 1 :: EVENTS] = (items[EVENTS - 1 :: EVENTS] + 7) % ITEMS
    return replace(dataset, interactions=replace(dataset.interactions, items=items))


def test_test_events_teach_nothing_and_the_seed_decides_the_rest(outcome: TrainingOutcome, tmp_path: Path) -> None:
    """A second run in which every test event is another gives the same vectors, indexes, features and scores."""
    other = train(tiny_config(), with_other_last_events(chain_dataset()), tmp_path)

    for path in (
        "channels/collaborative/item_vectors.npy", "channels/collaborative/index.ann",
        "channels/content/item_vectors.npy", "item_features.npy", "popularity.npy", "golden.json",
    ):  # fmt: skip
        assert (outcome.folder / path).read_bytes() == (other.folder / path).read_bytes(), path
    assert outcome.report.quality["validation"] == other.report.quality["validation"]
    assert outcome.report.quality["test"] != other.report.quality["test"]
