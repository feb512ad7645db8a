"""Does retraining on its own traffic make the suite better? A simulated population, some rounds, and no hand on it.

    python -m tests.bench.retraining [--rounds 4] [--readers 600]

The population is that of `winnow generate`: its truth says what draws each reader, by taste, by what was read last, and by a
book's quality. A small part of it has a past, and the first snapshot is trained on that. Then, in each round, readers whom
nobody knew come to the running suite: each asks for ten books some times, looks at them from the top with less and less
patience, and reads those that draw enough; what was shown, read and liked goes back through `RecordEvents`. After the round
`winnow retrain` is run as a timer would run it, and the next round begins when the suite serves what it published.

The reward of an answer is the number of its books that are read. Readers of all rounds are drawn alike, and the first thing
that is known of any is what they do here, so that rounds differ by what the suite has learnt alone.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, Interactions, write_dataset
from services.training.generator import GeneratedDataset, GeneratorConfig, generate
from services.training.generator.truth import Truth
from services.training.job import train
from services.training.metrics.bootstrap import bootstrap_interval
from tests.e2e.suite import Suite, running_suite
from tests.e2e.traffic import PATIENCE_SECONDS
from winnow.client import Event

SHOWN = 10
VISITS = 4
#: Readers with a past.
KNOWN = 40
EXPLORATION = "0.3"
#: How strongly a book must draw a reader, in log-odds of `Truth.choice_logits`, to be read every other time it is looked at: a
#: reader's ten best draw with 6.4 to 8.3, the ten best for everybody with 4.7.
READING_THRESHOLD = 6.0


@dataclass(frozen=True)
class Population:
    """Who comes, and what pleases them.

    Attributes:
        generated: All of them, with the truth.
        known: The data set of those who have a past.
    """

    generated: GeneratedDataset
    known: Dataset

    @classmethod
    def of(cls, readers: int, seed: int) -> "Population":
        """Draws a population of which `KNOWN` have a past and `readers` are new."""
        users = KNOWN + readers
        generated = generate(GeneratorConfig(seed=seed, users=users, items=800, events=20 * users))
        dataset = generated.dataset
        old = dataset.interactions.users < KNOWN
        log = dataset.interactions
        known = Dataset.build(
            name=dataset.name,
            items=dataset.items,
            users=dataset.users[:KNOWN],
            interactions=Interactions.build(
                users=log.users[old], items=log.items[old], timestamps=log.timestamps[old], liked=log.liked[old]
            ),
        )
        return cls(generated, known)


class Visits:
    """Readers at the running suite.

    Args:
        suite: Answers them.
        population: Whence they come.
        seed: Of everything that they do.
    """

    def __init__(self, suite: Suite, population: Population, seed: int) -> None:
        self._suite = suite
        self._dataset = population.generated.dataset
        self._truth = population.generated.truth
        self._row_of = {item.id: row for row, item in enumerate(self._dataset.items)}
        self._rng = np.random.default_rng(seed)

    async def round(self, readers: range) -> NDArray[np.float64]:
        """Lets readers come, one after the other, and returns the mean reward of the answers to each."""
        return np.array([await self._visit(reader) for reader in readers])

    async def _visit(self, reader: int) -> float:
        user, previous = self._dataset.users[reader], -1
        rewards = []
        for _ in range(VISITS):
            answer = await self._suite.client.recommend(user.id, max_results=SHOWN, user_attributes=user.attributes)
            rows = [self._row_of[item.item_id] for item in answer.items]
            read = look_through(self._truth, reader, rows, previous, self._rng)
            liked = self._rng.random(len(rows)) < self._truth.preference(np.array([reader]), np.array(rows))
            kinds = np.where(read & liked, "like", np.where(read, "click", "impression"))
            await self._suite.client.record(
                Event(user.id, item.item_id, type=kind, shown_by_request_id=answer.request_id)
                for item, kind in zip(answer.items, kinds.tolist(), strict=True)
            )
            rewards.append(float(read.sum()))
            previous = next((row for row, taken in zip(rows[::-1], read[::-1], strict=True) if taken), previous)
        return float(np.mean(rewards))


def look_through(
    truth: Truth, reader: int, rows: Sequence[int], previous: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Returns which of the books that are shown a reader reads: bool [books].

    Args:
        truth: What draws readers.
        reader: Row of the reader.
        rows: Of the books, in the order of their places; each is looked at with the chance 1 / log2(place + 1).
        previous: Row of the book that was read last, -1 for none; what is read here takes its place.
        rng: Decides.
    """
    read = np.zeros(len(rows), dtype=np.bool_)
    for place, row in enumerate(rows):
        logits = truth.choice_logits(np.array([reader]), np.array([previous]), np.ones(1, dtype=np.float32))
        chance = 1.0 / (1.0 + np.exp(READING_THRESHOLD - float(logits[0, row])))
        read[place] = rng.random() * np.log2(place + 2) < chance
        previous = row if read[place] else previous
    return read


async def simulate(root: Path, rounds: int, readers: int, seed: int, console: Console) -> list[NDArray[np.float64]]:
    """Runs the rounds and returns the rewards of the readers of each."""
    population = Population.of(rounds * readers, seed)
    write_dataset(population.known, root / "data")
    snapshots = root / "snapshots"
    train(TrainingConfig(seed=seed), population.known, snapshots)
    rewards = []
    settings = {"GATEWAY_EXPLORATION": EXPLORATION}
    async with running_suite(root / "suite", snapshots, population.known, settings=settings) as suite:
        visits = Visits(suite, population, seed)
        for number in range(rounds):
            first = KNOWN + number * readers
            rewards.append(await visits.round(range(first, first + readers)))
            console.print(f"round {number + 1}: {rewards[-1].mean():.3f} read of an answer")
            if number + 1 < rounds:
                await asyncio.to_thread(_retrain, root)
                await _until_served(suite, snapshots)
    return rewards


def _retrain(root: Path) -> None:
    command = [sys.executable, "-m", "services.cli", "retrain", "--quiet", "--data", str(root / "data")]
    log = root / "suite" / "feature_store" / "log"
    subprocess.run(
        [*command, "--log", str(log), "--offline", str(root / "offline"), "--out", str(root / "snapshots")], check=True
    )


async def _until_served(suite: Suite, snapshots: Path) -> None:
    current = (snapshots / "current").read_text().strip()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await suite.client.recommend("nobody", untracked=True)).snapshot_id != current:
            pass


def main() -> None:
    """Prints the reward of each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--readers", type=int, default=600, help="new ones in each round")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        rewards = asyncio.run(simulate(Path(folder), arguments.rounds, arguments.readers, arguments.seed, console))
    table = Table("round", "readers", "read of an answer", "95 %", "more than in the round before", "95 %")
    for number, values in enumerate(rewards):
        own = bootstrap_interval(values)
        cells = [str(number + 1), str(len(values)), f"{own.mean:.3f}", f"{own.low:.3f} .. {own.high:.3f}", "", ""]
        if number:
            gain, low, high = _difference(values, rewards[number - 1])
            cells[-2:] = [f"{gain:+.3f}", f"{low:+.3f} .. {high:+.3f}"]
        table.add_row(*cells)
    console.print(table)


def _difference(new: NDArray[np.float64], old: NDArray[np.float64]) -> tuple[float, float, float]:
    """Returns the difference of the means of two independent samples with its bootstrap interval."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(values, (1000, len(values))).mean(axis=1) for values in (new, old)]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    return float(new.mean() - old.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
