"""Does retraining on its own traffic make the suite better? A simulated population, some rounds, and no hand on it.

    python -m tests.bench.retraining [--rounds 4] [--readers 600]

The population is that of `winnow generate`: its truth says how probable it is that a reader likes a book. A small part of it
has a past, and the first snapshot is trained on that. Then, in each round, readers whom nobody knew come to the running suite:
each asks for ten books some times, looks at them from the top with less and less patience, and reads those that please;
what was shown and read goes back through `RecordEvents`. After the round `winnow retrain` is run as a timer would run it, and the
next round begins when the suite serves what it published.

The reward of an answer is the number of books that were read and liked. Readers of all rounds are drawn alike, and the first
thing that is known of any is what they do here, so that rounds differ by what the suite has learnt alone.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from services.training.config import TrainingConfig
from services.training.datasets import Dataset, Interactions, write_dataset
from services.training.generator import GeneratedDataset, GeneratorConfig, generate
from services.training.job import train
from services.training.metrics.bootstrap import bootstrap_interval
from tests.e2e.suite import Suite, running_suite
from tests.e2e.traffic import PATIENCE_SECONDS
from winnow.client import Event

SHOWN = 10
VISITS = 4
#: Readers with a past.
KNOWN = 200
EXPLORATION = "0.3"


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
        user = self._dataset.users[reader]
        rewards = []
        for _ in range(VISITS):
            answer = await self._suite.client.recommend(user.id, max_results=SHOWN, user_attributes=user.attributes)
            rows = np.array([self._row_of[item.item_id] for item in answer.items])
            pleasing = self._truth.preference(np.array([reader]), rows)
            patience = 1 / np.log2(2 + np.arange(len(rows)))
            read = self._rng.random(len(rows)) < pleasing * patience
            liked = read & (self._rng.random(len(rows)) < pleasing)
            kinds = np.where(liked, "like", np.where(read, "click", "impression"))
            await self._suite.client.record(
                Event(user.id, item.item_id, type=kind, shown_by_request_id=answer.request_id)
                for item, kind in zip(answer.items, kinds.tolist(), strict=True)
            )
            rewards.append(float(liked.sum()))
        return float(np.mean(rewards))


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
            console.print(f"round {number + 1}: {rewards[-1].mean():.3f} liked in an answer")
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
    table = Table("round", "readers", "liked in an answer", "95 %", "more than in the round before", "95 %")
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
