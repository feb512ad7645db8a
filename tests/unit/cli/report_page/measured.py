"""A measurement over a small real snapshot, with answers that were never given by services."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.cli.evaluation.asking import UNRANKED, Answers, Retrieved
from services.cli.evaluation.popularity import popularity_ranks
from services.cli.evaluation.questions import draw_questions
from services.cli.report_page.measurement import Measurement
from shared.snapshot.catalogue import read_catalogue
from tests.snapshot_factory import build_snapshot
from tests.unit.cli.evaluation.held_out import dataset_of

ITEMS = 60
USERS = 24


def measurement(root: Path) -> Measurement:
    """Twenty-four users of sixty items; the gateway listed every third of them, from the user's number on."""
    manifest = build_snapshot(root, items=ITEMS)
    folder = root / manifest.id
    catalogue = read_catalogue(folder / manifest.catalogue)
    dataset = dataset_of(*([(user * 7 + step * 3) % ITEMS for step in range(6)] for user in range(USERS)), items=ITEMS)
    questions = draw_questions(dataset, catalogue, USERS, seed=0)
    listed = np.array([[(user + 3 * place) % ITEMS for place in range(ITEMS // 3)] for user in range(USERS)])
    hits = listed == questions.targets[:, None]
    ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, UNRANKED)
    return Measurement(
        dataset=dataset,
        folder=folder,
        manifest=manifest,
        catalogue=catalogue,
        questions=questions,
        seed=0,
        answers=Answers(
            ranks, 0, frozenset({manifest.id}), tuple(tuple(catalogue[row].id for row in rows) for rows in listed)
        ),
        retrieved=Retrieved(ranks, listed, 0),
        popularity=popularity_ranks(dataset, catalogue, questions),
        annoy_loss={"two_tower": 0.01, "content": 0.0},
    )
