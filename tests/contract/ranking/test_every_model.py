"""Every ranking model, trained by a job, published, and served by a real ranking."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.training.datasets import Dataset
from services.training.job import train
from services.training.ranking.registry import RANKERS
from services.training.sequence.windows import pad_histories
from shared.features import UserFeatureTransform
from shared.snapshot.golden import read_golden
from shared.snapshot.graphs import RANKER
from shared.snapshot.manifest import Manifest, read_manifest
from shared.snapshot.verification import verify_files
from tests.contract.ranking.conftest import ServeRanking
from tests.contract.ranking.requests import score_request, scores_of
from tests.unit.training.chains import ITEMS, chain_dataset, tiny_config
from tests.unit.training.ranking.fitted import QUICK

#: Somebody who has walked a while, somebody who has begun, and a stranger.
HISTORIES = [[3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [20], []]
#: All items for the first, one for the second, and some for the stranger.
CANDIDATES = [list(range(ITEMS)), [21], [0, 13, 39]]


def published(
    model: str, root: Path, dataset: Dataset | None = None, objectives: Sequence[str] = ("next",)
) -> tuple[Path, Manifest]:
    """Trains with the model as the ranker, as quickly as can be."""
    known = RANKERS[model].config.model_fields
    settings = {name: value for name, value in {**QUICK, "epochs": 1}.items() if name in known}
    config = tiny_config(
        channels={"main": {"model": "svd", "settings": {"dimension": 8}}, "popularity": {}},
        ranker={"model": model, "negatives": 8, "reserved": 2, "settings": settings, "objectives": objectives},
        merge={"learn": False},
    )
    folder = train(config, dataset or chain_dataset(), root).folder
    return folder, read_manifest(folder)


def people(manifest: Manifest) -> NDArray[np.float32]:
    """The features of somebody known, of somebody of whom less is known, and of a stranger."""
    transform = UserFeatureTransform(manifest.feature_schema.user_fields)
    return transform.many([{"group": "a", "age": 33.0}, {"group": "b"}, {}])


def graph_scores(folder: Path, manifest: Manifest) -> NDArray[np.float32]:
    """What the published graph gives for every candidate when it is asked about each alone."""
    graph = RANKER.open(folder / manifest.ranker.model, threads=1)
    features, about = np.load(folder / manifest.item_features), people(manifest)
    scores = [
        graph(
            history=pad_histories([np.asarray(history, dtype=np.int32)], manifest.max_history),
            user_features=about[[person]],
            candidates=np.asarray([row]),
            candidate_features=features[[row]],
            candidate_query=np.zeros(1, dtype=np.int64),
        )
        for person, (history, rows) in enumerate(zip(HISTORIES, CANDIDATES, strict=True))
        for row in rows
    ]
    return np.concatenate(scores)


@pytest.mark.parametrize("model", list(RANKERS))
async def test_a_model_s_snapshot_verifies_and_is_served(
    model: str, tmp_path: Path, serve_ranking: ServeRanking
) -> None:
    """People are answered with the scores of its graph, and golden requests with what training computed."""
    folder, manifest = published(model, tmp_path)
    verify_files(folder, manifest)
    features = np.load(folder / manifest.item_features)
    golden = read_golden(folder / manifest.golden).ranker

    async with serve_ranking() as ranking:
        asked = features[[row for rows in CANDIDATES for row in rows]]
        request = score_request(HISTORIES, CANDIDATES, people(manifest), asked, snapshot_id=manifest.id)
        answer = await ranking.stub.Score(request)
        replayed = [
            await ranking.stub.Score(
                score_request(
                    [[row for row in history if row >= 0] for history in one.history],
                    [
                        [row for row, of in zip(one.candidates, one.candidate_query, strict=True) if of == query]
                        for query in range(len(one.history))
                    ],
                    np.asarray(one.user_features, dtype=np.float32),
                    features[one.candidates],
                    snapshot_id=manifest.id,
                )
            )
            for one in golden
        ]

    assert tuple(answer.objectives) == manifest.objectives == ("next",)
    np.testing.assert_allclose(scores_of(answer), graph_scores(folder, manifest), rtol=1e-4, atol=1e-4)
    assert len(set(scores_of(answer)[:, 0].tolist())) > 1
    assert replayed
    for again, one in zip(replayed, golden, strict=True):
        np.testing.assert_allclose(scores_of(again), np.asarray(one.scores), rtol=1e-4, atol=1e-4)


async def test_every_objective_of_a_ranker_is_served(tmp_path: Path, serve_ranking: ServeRanking) -> None:
    """A score for each, under its name, and how well it tells what people liked stands in the manifest."""
    walks = chain_dataset()
    liked = dataclasses.replace(walks.interactions, liked=walks.interactions.items % 3 > 0)
    dataset = dataclasses.replace(walks, interactions=liked)
    folder, manifest = published("mmoe", tmp_path, dataset, ("next", "like"))
    features = np.load(folder / manifest.item_features)

    async with serve_ranking() as ranking:
        asked = features[[row for rows in CANDIDATES for row in rows]]
        request = score_request(HISTORIES, CANDIDATES, people(manifest), asked, snapshot_id=manifest.id)
        answer = await ranking.stub.Score(request)

    assert tuple(answer.objectives) == manifest.objectives == ("next", "like")
    scores = scores_of(answer)
    np.testing.assert_allclose(scores, graph_scores(folder, manifest), rtol=1e-4, atol=1e-4)
    assert not np.allclose(scores[:, 0], scores[:, 1])
    for part in ("validation", "test"):
        assert 0 <= manifest.metrics[f"{part}.like.auc"] <= 1
        assert 0.5 < manifest.metrics[f"{part}.like.true"] < 0.8
    assert "| like |" in (folder / "report.md").read_text(encoding="utf-8")
