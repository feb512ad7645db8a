"""How well items are found that nobody knew: MovieLens 100K replayed in the order of time, with films that arrive on the way.

    python -m tests.bench.new_items [FOLDER]

A snapshot is trained on the first half of the events, without 200 films: it has neither their rows nor their events. A suite
serves it, the films are added with `UpsertItems`, and everything that happens from then on, by people who were known and by
newcomers, goes to it through `RecordEvents` in the order of time. People ask for ten films before every tenth event of theirs,
as they would, and nothing is done with the answer. Before a sample of the events the suite is asked for a hundred films, and
`Explain` is asked where the film of that event stood: a film is found where it is among recall's candidates, and among the
first 100, 50 and 10 where it is in the answer. Events of three kinds are sampled:

new       with a film that arrived;
matched   with a known film. For each film that arrived there is one that is watched about as often after the moment;
known     with any known film: what the others lose to the newcomers.

The times are moved so that the last event happens now. The defaults train and serve; `--words-only` switches off what recall
learns from histories. `--tuning` takes other films than those of the figures in the documentation, for choosing constants.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import load_dataset
from services.training.job import train
from services.training.metrics.bootstrap import Interval, bootstrap_interval
from tests.bench.arriving_films import ArrivingFilms
from tests.e2e.suite import Suite, running_suite
from tests.published_data import place_of
from winnow.client import Event, Item

DATA = place_of("ml-100k")
#: The part of the events, in the order of time, that is trained on.
KNOWN_SHARE = 0.5
#: Films in an answer, and the first places that are looked at.
ASKED = 100
PLACES = (100, 50, 10)
#: A person asks before every so many events.
VISIT_EVERY = 10
#: Events that a request holds.
EVENTS_TOGETHER = 1000
#: Stands for a film that is not in the answer.
NOWHERE = 1 << 30
RATIO_RESAMPLES = 1000


@dataclass(frozen=True)
class Seen:
    """Where the film of an event stood before it.

    Attributes:
        found: Whether it was among recall's candidates.
        place: In the answer, from 0; `NOWHERE` beyond it.
    """

    found: bool
    place: int


class Replay:
    """Tells a suite what happens, and asks it in between.

    Args:
        suite: To tell and to ask.
        films: What happens.
        questions: Events of each kind to ask before.
        seed: Of their choice.

    Attributes:
        seen: Where films stood, by kind.
        shares: Share of new films among the first 100, 50 and 10 of each answer.
    """

    def __init__(self, suite: Suite, films: ArrivingFilms, questions: int, seed: int) -> None:
        self._client = suite.client
        self._films = films
        self._new_ids = {films.dataset.items[film].id for film in films.arriving.tolist()}
        is_new = np.isin(films.films, films.arriving)
        rng = np.random.default_rng(seed)
        self._asked: dict[str, set[int]] = {}
        for kind, some in (("new", is_new), ("matched", np.isin(films.films, films.matched)), ("known", ~is_new)):
            events = np.flatnonzero(some)
            self._asked[kind] = set(rng.choice(events, min(questions, len(events)), replace=False).tolist())
        self._late = datetime.now(tz=UTC) - datetime.fromtimestamp(int(films.times.max()) / 1000, tz=UTC)
        self._untold: list[Event] = []
        self.seen: dict[str, list[Seen]] = {kind: [] for kind in self._asked}
        self.shares: list[list[float]] = []

    async def add_films(self) -> None:
        """Upserts the films that arrive, and waits until recall finds one of them."""
        items = [self._films.dataset.items[film] for film in self._films.arriving.tolist()]
        await self._client.upsert_items(
            Item(item.id, item.title, item.categories, item.attributes, item.text) for item in items
        )
        async with asyncio.timeout(60):
            while True:
                similar = await self._client.recommend("", max_results=ASKED, session_item_ids=[items[0].id])
                if any(item.item_id in self._new_ids and item.channels for item in similar.items):
                    return

    async def run(self) -> None:
        """Goes through everything that happens."""
        events: Counter[int] = Counter()
        rows = zip(self._films.users.tolist(), self._films.films.tolist(), self._films.times.tolist(), strict=True)
        for place, (user, film, at_ms) in enumerate(rows):
            kinds = [kind for kind, asked in self._asked.items() if place in asked]
            person = self._films.dataset.users[user]
            if kinds:
                await self._tell()
                where = await self._ask(user, film)
                for kind in kinds:
                    self.seen[kind].append(where)
            elif events[user] % VISIT_EVERY == 0:
                await self._tell()
                await self._client.recommend(person.id, user_attributes=person.attributes)
            events[user] += 1
            at = datetime.fromtimestamp(at_ms / 1000, tz=UTC) + self._late - timedelta(seconds=1)
            self._untold.append(Event(person.id, self._films.dataset.items[film].id, occurred_at=at))

    async def _tell(self) -> None:
        for start in range(0, len(self._untold), EVENTS_TOGETHER):
            await self._client.record(self._untold[start : start + EVENTS_TOGETHER])
        self._untold.clear()

    async def _ask(self, user: int, film: int) -> Seen:
        person, film_id = self._films.dataset.users[user], self._films.dataset.items[film].id
        answer = await self._client.recommend(person.id, max_results=ASKED, user_attributes=person.attributes)
        told = await self._client.explain(
            person.id, max_results=1, user_attributes=person.attributes, item_ids=[film_id]
        )
        shown = [item.item_id for item in answer.items]
        new = np.array([item_id in self._new_ids for item_id in shown], dtype=np.float64)
        self.shares.append([float(new[:first].mean()) for first in PLACES])
        recall_place = next(item.recall_place for item in told.items if item.item_id == film_id)
        return Seen(recall_place > 0, shown.index(film_id) if film_id in shown else NOWHERE)


async def measure(cut: ArrivingFilms, questions: int, seed: int, *, words_only: bool) -> Replay:
    """Trains, serves and replays."""
    Console().print(
        f"{len(cut.before.items)} known films, {len(cut.arriving)} new ones; {len(cut.before.users)} people to learn from; "
        f"{len(cut.films)} events afterwards, {np.isin(cut.films, cut.arriving).mean():.1%} of them with new films"
    )
    settings = {"RECALL_LEARN_FROM_HISTORIES": str(not words_only).lower()}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        train(TrainingConfig(), cut.before, root / "snapshots")
        async with running_suite(root / "suite", root / "snapshots", cut.before, settings=settings) as suite:
            replay = Replay(suite, cut, questions, seed)
            await replay.add_films()
            await replay.run()
            return replay


def main() -> None:
    """Prints how often new and known films are found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA, help="MovieLens 100K")
    parser.add_argument("--films", type=int, default=200, help="how many arrive; default: 200")
    parser.add_argument("--questions", type=int, default=800, help="of each kind; default: 800")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of films and questions; default: 1")
    parser.add_argument("--tuning", action="store_true", help="take other films, for choosing constants")
    parser.add_argument("--words-only", action="store_true", help="learn nothing from histories")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.exit(2, f"{arguments.folder} is absent: name a folder with MovieLens 100K\n")
    cut = ArrivingFilms.of(
        load_dataset(arguments.folder), KNOWN_SHARE, arguments.films, arguments.seed, tuning=arguments.tuning
    )
    replay = asyncio.run(measure(cut, arguments.questions, arguments.seed, words_only=arguments.words_only))
    Console(width=120).print(_table(replay))


def _table(replay: Replay) -> Table:
    names = ("film is", "new", "95 %", "matched", "95 %", "matched / new", "95 %", "any known", "95 %", "new in answer")
    table = Table(*names, title=f"{len(replay.seen['new'])} events with new films, as many of each other kind")
    shares = np.mean(replay.shares, axis=0)
    for name, most in (("found", None), *((f"first {place}", place) for place in PLACES)):
        rates = {
            kind: np.array([one.found if most is None else one.place < most for one in seen], dtype=np.float64)
            for kind, seen in replay.seen.items()
        }
        new, matched, known = (bootstrap_interval(rates[kind]) for kind in ("new", "matched", "known"))
        table.add_row(
            name,
            f"{new.mean:.3f}",
            _bounds(new),
            f"{matched.mean:.3f}",
            _bounds(matched),
            f"{matched.mean / new.mean if new.mean else float('inf'):.2f}",
            _ratio_bounds(rates["matched"], rates["new"]),
            f"{known.mean:.3f}",
            _bounds(known),
            "" if most is None else f"{shares[PLACES.index(most)]:.3f}",
        )
    return table


def _bounds(interval: Interval) -> str:
    return f"{interval.low:.3f} .. {interval.high:.3f}"


def _ratio_bounds(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> str:
    """Returns the percentile bootstrap interval of the ratio of two means of different events."""
    rng = np.random.default_rng(0)
    means = [rng.choice(some, (RATIO_RESAMPLES, len(some))).mean(axis=1) for some in (numerator, denominator)]
    low, high = np.quantile(means[0] / np.maximum(means[1], 1e-9), (0.025, 0.975))
    return f"{low:.2f} .. {high:.2f}"


if __name__ == "__main__":
    main()
