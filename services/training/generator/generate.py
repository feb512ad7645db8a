"""A data set whose truth is known: a seeded simulation of readers who choose books."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.training.datasets import Dataset, Interactions, write_dataset
from services.training.generator.books import write_books
from services.training.generator.catalogue import draw_catalogue
from services.training.generator.config import GeneratorConfig
from services.training.generator.readers import draw_readers
from services.training.generator.schedule import draw_schedule
from services.training.generator.simulation import simulate_choices
from services.training.generator.truth import Truth
from services.training.generator.views import GENERATED_VIEWS
from services.training.generator.vocabulary import load_vocabulary

DATASET_NAME = "generated-books"


@dataclass(frozen=True, slots=True, eq=False)
class GeneratedDataset:
    """What models see, and what they are after."""

    dataset: Dataset
    truth: Truth

    def write(self, folder: Path) -> None:
        """Write the data set, without its truth, to `folder` in Winnow's own format."""
        write_dataset(self.dataset, folder)


def generate(config: GeneratorConfig | None = None) -> GeneratedDataset:
    """Simulate the readers and books of `config`, which is `GeneratorConfig()` when absent.

    Every reader has a taste that leans to what is read at their age and in their region, and that drifts; every book
    has factors around its categories and a quality with a long tail. A reader chooses one book after the other among
    those that are out and that they have not read, by taste, quality and what the last book of the session leads to.
    Whether they then like it is drawn with `Truth.preference`.
    """
    config = config or GeneratorConfig()
    # Streams of their own: a change in one stage leaves what the others draw as it was.
    books_rng, catalogue_rng, readers_rng, schedule_rng, choices_rng, likes_rng = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(config.seed).spawn(6)
    )
    vocabulary = load_vocabulary()
    catalogue = draw_catalogue(config.items, config.days, vocabulary, catalogue_rng)
    readers = draw_readers(config.users, catalogue.centroids, readers_rng)
    truth = Truth(
        first_tastes=readers.first_tastes,
        last_tastes=readers.last_tastes,
        item_factors=catalogue.factors,
        follow_factors=catalogue.follow_factors,
        quality=catalogue.quality,
        released_at=catalogue.released_at,
    )
    schedule = draw_schedule(config, schedule_rng)
    users = np.repeat(np.arange(config.users), np.diff(schedule.offsets))
    items = simulate_choices(truth, schedule, config.noise, choices_rng)
    likes = likes_rng.random(len(items)) < truth.preference(users, items, schedule.progress)
    dataset = Dataset.build(
        name=DATASET_NAME,
        items=write_books(catalogue.primary, catalogue.secondary, catalogue.years, vocabulary, books_rng),
        users=readers.users,
        interactions=Interactions.build(users=users, items=items, timestamps=schedule.timestamps, liked=likes),
        declared_views=GENERATED_VIEWS,
    )
    return GeneratedDataset(dataset, truth)
