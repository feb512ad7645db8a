"""Measures how well items are found that came after training, beside known ones that are about as popular.

`python -m tests.bench.cold_items` holds 200 films of MovieLens 100K back, trains with the first four fifths of each
user's events on the others (half a minute on two cores), tells recall of the held-back films as the feature store would,
and asks for the last fifth: how often is a film that a user went on to watch among the candidates, and among the first
ten and fifty, for held-back films and for known ones? All in one process: recall's own channels and merging, and the
ranker with the mean of the stand-ins' scores for new films, as the gateway does it.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.recall.live.changes import ChangePage, ItemChange
from services.recall.live.delta import Delta
from services.recall.merge import merge
from services.recall.snapshot import RecallSnapshot, load_snapshot
from services.training.config import TrainingConfig
from services.training.datasets import load_dataset
from services.training.job import train
from shared.features import UserFeatureTransform
from shared.history import pad_histories
from shared.snapshot.graphs import RANKER
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository
from shared.tensors import Ragged
from tests.bench.cold_films import ColdFilms, Rows
from tests.published_data import place_of

DATA = place_of("ml-100k")
CANDIDATES = 500
PLACES = (10, 50)

#: What a known film may be found more often, for `--check`.
MOST = 2.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, measures and prints."""
    given = _parser().parse_args(arguments)
    if not given.data.is_dir():
        raise SystemExit(f"MovieLens 100K is not at {given.data}: name its folder with --data")
    films = ColdFilms.of(load_dataset(given.data), given.films, given.seed, tuning=given.tuning)
    with tempfile.TemporaryDirectory() as folder:
        root = given.snapshots or Path(folder)
        if SnapshotRepository(root).current() is None:
            train(TrainingConfig(), films.trained, root)
        places = _places(root, films)
    cold, known = (_Found.of(places, films, some) for some in (films.judged, films.matched))
    _print(cold, known, places, films)
    if given.check and known.candidates > MOST * cold.candidates:
        raise SystemExit(f"known films are candidates more than {MOST:g} times as often as new ones")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cold_items", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of MovieLens 100K")
    parser.add_argument("--films", type=int, default=200, help="how many to hold back; default: 200")
    parser.add_argument("--seed", type=int, default=1, help="of their choice; default: 1")
    parser.add_argument("--tuning", action="store_true", help="judge with other films, for choosing constants")
    parser.add_argument("--snapshots", type=Path, help="keep the snapshot there, and take it from there the next time")
    parser.add_argument("--check", action="store_true", help=f"fail beyond {MOST:g} times as many candidates")
    return parser


@dataclass(frozen=True)
class _Found:
    """How often events with some films were found: among the candidates, and among the first places of the ranking."""

    events: int
    candidates: float
    first: tuple[float, ...]

    @classmethod
    def of(cls, places: NDArray[np.int64], films: ColdFilms, some: Rows) -> "_Found":
        asked = np.isin(films.films, some)
        place = places[films.users[asked], films.films[asked]]
        return cls(
            len(place),
            float((place >= 0).mean()),
            tuple(float((place < k)[place >= 0].sum() / len(place)) for k in PLACES),
        )


def _places(root: Path, films: ColdFilms) -> NDArray[np.int64]:
    """Returns the place of each film in each user's ranked candidates, from 0, -1 for none: int64 [users, films]."""
    repository = SnapshotRepository(root)
    manifest = repository.manifest(repository.current() or "")
    folder = repository.folder(manifest.id)
    snapshot = load_snapshot(folder, manifest, threads=1)
    snapshot.live.apply(ChangePage(_changes(films), len(films.judged), more=False))
    delta = snapshot.live.delta or snapshot.live.nothing
    film_of = np.concatenate([np.flatnonzero(films.row_of >= 0), films.judged])
    score = _scorer(folder, manifest, delta)
    places = np.full((len(films.dataset.users), len(films.dataset.items)), -1, dtype=np.int64)
    transform = UserFeatureTransform(manifest.feature_schema.user_fields)
    for user, rows in enumerate(films.trained.histories()):
        seen = Ragged.of([rows], np.uint32)
        history = pad_histories(seen, snapshot.max_history)
        features = transform(dict(films.dataset.users[user].attributes))[None]
        candidates = _candidates(snapshot, delta, history, features, seen)
        ranked = candidates[np.argsort(-score(history, features, candidates), kind="stable")]
        places[user, film_of[ranked]] = np.arange(len(ranked))
    return places


def _changes(films: ColdFilms) -> list[ItemChange]:
    items = [films.dataset.items[film] for film in films.judged.tolist()]
    return [
        ItemChange(number, item.id, item.title, item.categories, item.text, withdrawn=False, changed_at_ms=0)
        for number, item in enumerate(items)
    ]


def _candidates(
    snapshot: RecallSnapshot, delta: Delta, history: Rows, features: NDArray[np.float32], seen: Ragged
) -> Rows:
    found = [
        channel.search(channel.encode(history, features), seen, min(CANDIDATES, snapshot.items))
        for channel in delta.channels
    ]
    return merge(found, [channel.quota for channel in delta.channels], CANDIDATES).rows


class _scorer:  # noqa: N801 - called like a function
    """The ranker; a new film has the mean of its stand-ins' scores."""

    def __init__(self, folder: Path, manifest: Manifest, delta: Delta) -> None:
        self._model = RANKER.open(folder / manifest.ranker.model, 1)
        self._features = np.load(folder / manifest.item_features)
        self._delta = delta

    def __call__(self, history: Rows, user_features: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
        new = rows >= self._delta.items
        stand_ins = self._delta.stand_ins(rows[new])
        asked = np.concatenate([rows[~new], stand_ins.ravel()])
        scores = self._model(
            history=history,
            user_features=user_features,
            candidates=asked,
            candidate_features=self._features[asked],
            candidate_query=np.zeros(len(asked), dtype=np.int64),
        )[:, 0]
        joined = np.empty(len(rows), dtype=np.float32)
        joined[~new] = scores[: len(rows) - len(stand_ins)]
        joined[new] = scores[len(rows) - len(stand_ins) :].reshape(stand_ins.shape).mean(axis=1)
        return joined


def _print(cold: _Found, known: _Found, places: NDArray[np.int64], films: ColdFilms) -> None:
    names = (f"candidates ({CANDIDATES})", *(f"first {k}" for k in PLACES))
    lines = [f"{'':18}{'new':>8}{'known':>8}{'ratio':>8}   share of the places that new films take"]
    shares = [
        places[:, films.judged] >= 0,
        *((places[:, films.judged] >= 0) & (places[:, films.judged] < k) for k in PLACES),
    ]
    rates = zip(
        names,
        (cold.candidates, *cold.first),
        (known.candidates, *known.first),
        shares,
        (CANDIDATES, *PLACES),
        strict=True,
    )
    for name, new, old, taken, length in rates:
        ratio = old / new if new else float("inf")
        lines.append(f"{name:18}{new:8.4f}{old:8.4f}{ratio:8.1f}   {taken.sum(axis=1).mean() / length:.3f}")
    share = len(films.judged) / (len(films.judged) + len(films.trained.items))
    lines.append(
        f"{cold.events} events with new films, {known.events} with known ones; {share:.3f} of the catalogue is new"
    )
    print("\n".join(lines))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
