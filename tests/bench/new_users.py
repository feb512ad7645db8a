"""How well people are served whom nobody knew: MovieLens 100K replayed in the order of time.

    python -m tests.bench.new_users [FOLDER]

A snapshot is trained on what happened before a moment. Who came after it is new. What these people do goes to a running
suite through `RecordEvents`, in the order of time, and the suite is asked for ten films before one of their events. A hit is
that this event's film is among the ten: HR@10. It is asked in two ways:

known   The question stays, what is known changes: before a person's 11th, 21st, 31st and 41st event the suite is asked on behalf
        of copies of the person, of whom it was told the last 0, 1, 2, 5 and 10 events alone. The ten films before the event
        are excluded for all of them, so that popularity has one answer.
life    The question changes with the life of a person: before the 1st, 2nd, 3rd, 6th and 11th event, knowing all before. The
        first films of a life are the easiest to guess, since all begin with the same well-known ones: served and
        popularity can be compared with each other, not across rows.

Popularity counts the events of the training part and leaves out what was excluded or seen. Nothing here is tuned: the
defaults train.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, User, load_dataset
from services.training.datasets.interactions import Interactions
from services.training.job import train
from services.training.metrics.bootstrap import Interval, bootstrap_interval
from tests.e2e.suite import Suite, running_suite
from tests.published_data import place_of
from winnow.client import Event

DATA = place_of("ml-100k")
#: Events that are known of a person when the suite is asked.
POINTS = (0, 1, 2, 5, 10)
#: Events of a person before those that are asked about with more or less known.
ANCHORS = (10, 20, 30, 40)
TOP = 10
#: The part of the events, in the order of time, that is trained on.
KNOWN_SHARE = 0.5


@dataclass(frozen=True)
class Newcomers:
    """A data set cut at a moment.

    Attributes:
        before: The people known by then and what they did until then.
        users: The people who came later, by their rows in the whole data set.
        events: Row in `users`, row of the item, and time of each of their events, in the order of time.
    """

    before: Dataset
    users: Mapping[int, User]
    events: Sequence[tuple[int, int, int]]

    @classmethod
    def of(cls, dataset: Dataset, share: float) -> "Newcomers":
        """Cuts a data set where `share` of its events have happened."""
        log = dataset.interactions
        old = log.timestamps <= np.quantile(log.timestamps, share)
        known, rows = np.unique(log.users[old], return_inverse=True)
        before = Dataset.build(
            name="before",
            items=dataset.items,
            users=[dataset.users[user] for user in known],
            interactions=Interactions.build(
                users=rows, items=log.items[old], timestamps=log.timestamps[old], liked=log.liked[old]
            ),
        )
        new = np.flatnonzero(np.isin(log.users, known, invert=True))
        new = new[np.argsort(log.timestamps[new], kind="stable")]
        columns = (log.users[new].tolist(), log.items[new].tolist(), log.timestamps[new].tolist())
        return cls(before, {user: dataset.users[user] for user in set(columns[0])}, list(zip(*columns, strict=True)))


@dataclass(frozen=True)
class Question:
    """Which ten films for a person?

    Attributes:
        user: Row of the person in the whole data set.
        user_id: Whom the suite knows the person, or a copy, as.
        excluded: Rows of the films to leave out.
        target: Row of the film that comes next.
    """

    user: int
    user_id: str
    excluded: Sequence[int]
    target: int


class Hits:
    """Whether the film was among ten, for each question, by how many events were known."""

    def __init__(self) -> None:
        self.served: dict[int, list[float]] = {point: [] for point in POINTS}
        self.popular: dict[int, list[float]] = {point: [] for point in POINTS}


class Replay:
    """Tells a suite what newcomers do, and asks it in between.

    Args:
        suite: To tell and to ask.
        newcomers: About whom.
    """

    def __init__(self, suite: Suite, newcomers: Newcomers) -> None:
        self._client = suite.client
        self._newcomers = newcomers
        self._item_ids = [item.id for item in newcomers.before.items]
        counts = np.bincount(newcomers.before.interactions.items, minlength=len(self._item_ids))
        self._popular: list[int] = np.argsort(-counts, kind="stable").tolist()
        self.known, self.life = Hits(), Hits()

    async def run(self) -> None:
        """Goes through all events in the order of time."""
        lives: dict[int, list[tuple[int, int]]] = {user: [] for user in self._newcomers.users}
        for user, item, at_ms in self._newcomers.events:
            life = lives[user]
            if len(life) in POINTS:
                past = [row for row, _ in life]
                await self._ask(self.life, len(life), Question(user, self._newcomers.users[user].id, past, item))
            if len(life) in ANCHORS:
                await self._ask_copies(user, life[-POINTS[-1] :], len(life), item)
            if len(life) < POINTS[-1]:
                await self._tell(self._newcomers.users[user].id, [(item, at_ms)])
            life.append((item, at_ms))

    async def _ask_copies(self, user: int, past: Sequence[tuple[int, int]], anchor: int, target: int) -> None:
        for point in POINTS:
            copy_id = f"{self._newcomers.users[user].id}, {point} before {anchor}"
            for event in past[len(past) - point :]:
                await self._tell(copy_id, [event])
            await self._ask(self.known, point, Question(user, copy_id, [row for row, _ in past], target))

    async def _ask(self, hits: Hits, point: int, question: Question) -> None:
        answer = await self._client.recommend(
            question.user_id,
            max_results=TOP,
            user_attributes=self._newcomers.users[question.user].attributes,
            exclude_item_ids=[self._item_ids[row] for row in question.excluded],
        )
        popular = islice((row for row in self._popular if row not in question.excluded), TOP)
        hits.served[point].append(float(self._item_ids[question.target] in {item.item_id for item in answer.items}))
        hits.popular[point].append(float(question.target in popular))

    async def _tell(self, user_id: str, events: Sequence[tuple[int, int]]) -> None:
        await self._client.record(
            Event(user_id, self._item_ids[item], occurred_at=datetime.fromtimestamp(at_ms / 1000, tz=UTC))
            for item, at_ms in events
        )


async def measure(folder: Path, share: float) -> Replay:
    """Trains, serves and replays."""
    newcomers = Newcomers.of(load_dataset(folder), share)
    sizes = f"{len(newcomers.before.users)} people to learn from, {len(newcomers.users)} newcomers with {len(newcomers.events)} events"
    Console().print(sizes)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        train(TrainingConfig(), newcomers.before, root / "snapshots")
        async with running_suite(root / "suite", root / "snapshots", newcomers.before) as suite:
            replay = Replay(suite, newcomers)
            await replay.run()
            return replay


def main() -> None:
    """Prints HR@10 by the number of events."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA, help="MovieLens 100K")
    parser.add_argument("--known", type=float, default=KNOWN_SHARE, help="part of the events that is trained on")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.exit(2, f"{arguments.folder} is absent: name a folder with MovieLens 100K\n")
    replay = asyncio.run(measure(arguments.folder, arguments.known))
    console = Console(width=110)
    console.print(_table("known: one question, more or less known", replay.known))
    console.print(_table("life: the next film of a life", replay.life))


def _table(title: str, hits: Hits) -> Table:
    names = ("events", "questions", "served HR@10", "95 %", "popularity HR@10", "served - popularity", "95 %")
    table = Table(*names, title=title)
    for point in POINTS:
        served, popular = (np.array(values[point]) for values in (hits.served, hits.popular))
        own, others, gain = (bootstrap_interval(values) for values in (served, popular, served - popular))
        means = (f"{own.mean:.4f}", _bounds(own), f"{others.mean:.4f}", f"{gain.mean:+.4f}", _bounds(gain))
        table.add_row(str(point), str(len(served)), *means)
    return table


def _bounds(interval: Interval) -> str:
    return f"{interval.low:.3f} .. {interval.high:.3f}"


if __name__ == "__main__":
    main()
