"""The generated data set as a whole: deterministic, honest about time, and worth learning from."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from services.training.datasets import leave_last_out, load_dataset
from services.training.datasets.derived_views import derive_views
from services.training.generator import GeneratedDataset, GeneratorConfig, generate
from services.training.generator.schedule import SESSION_GAP_MS
from services.training.metrics import history_mask, hit_rate, rank_of_target

CONFIG = GeneratorConfig(users=600, items=500, events=18_000)


@pytest.fixture(scope="module")
def generated() -> GeneratedDataset:
    """A data set a fifth of the default size."""
    return generate(CONFIG)


def test_equal_configurations_give_equal_files(generated: GeneratedDataset, tmp_path: Path) -> None:
    """Byte for byte; another seed gives others."""
    generated.write(tmp_path / "first")
    generate(CONFIG).write(tmp_path / "second")
    generate(GeneratorConfig(seed=8, users=600, items=500, events=18_000)).write(tmp_path / "other")

    assert (tmp_path / "first" / "features.toml").read_bytes() == (tmp_path / "other" / "features.toml").read_bytes()
    for name in ("items.jsonl", "users.jsonl", "events.jsonl"):
        first = (tmp_path / "first" / name).read_bytes()
        assert first == (tmp_path / "second" / name).read_bytes()
        assert first != (tmp_path / "other" / name).read_bytes()


def test_the_written_folder_is_a_data_set_like_any_other(generated: GeneratedDataset, tmp_path: Path) -> None:
    """Training reads it through the loader that users' own data goes through."""
    generated.write(tmp_path)

    read = load_dataset(tmp_path)

    assert (read.items, read.users) == (generated.dataset.items, generated.dataset.users)
    assert np.array_equal(read.interactions.items, generated.dataset.interactions.items)
    assert read.views() == generated.dataset.views()


def test_its_views_declare_every_attribute_of_readers_and_the_numbers_of_books(generated: GeneratedDataset) -> None:
    """Exactly the features that it would have without a declaration, and every region in the vocabulary."""
    dataset = generated.dataset
    derived = derive_views([user.attributes for user in dataset.users], [item.attributes for item in dataset.items])
    regions = {user.attributes["region"] for user in dataset.users if "region" in user.attributes}

    assert [[field.name for field in view.fields] for view in dataset.views()] == [
        [field.name for field in view.fields] for view in derived
    ]
    assert regions <= set(dataset.views()[0].fields[1].vocabulary)  # type: ignore[union-attr]


def test_nothing_is_read_before_its_release_or_twice(generated: GeneratedDataset) -> None:
    """What a model could not have known it need not predict."""
    interactions = generated.dataset.interactions

    assert (generated.truth.released_at[interactions.items] <= interactions.timestamps).all()
    assert len(np.unique(np.stack([interactions.users, interactions.items]), axis=1).T) == len(interactions)


def test_some_books_come_out_while_readers_are_watched(generated: GeneratedDataset) -> None:
    """New items are what content models are for; the year says the same as the release."""
    years = [item.attributes["year"] for item in generated.dataset.items]

    assert 0.2 < np.mean([year == 2026.0 for year in years]) < 0.4
    assert years == sorted(years, key=float)


def test_popularity_has_a_long_tail(generated: GeneratedDataset) -> None:
    """A tenth of the books has two and a half times its share of the events; a tenth at the other end has little."""
    counts = np.sort(np.bincount(generated.dataset.interactions.items, minlength=CONFIG.items))[::-1]

    assert counts[: CONFIG.items // 10].sum() > 0.25 * counts.sum()
    assert counts[-CONFIG.items // 10 :].sum() < 0.02 * counts.sum()


def test_what_users_say_tells_something_of_their_taste(generated: GeneratedDataset) -> None:
    """Readers of one region are closer to each other in taste than to others; some do not tell their region."""
    regions = np.array([user.attributes.get("region", "") for user in generated.dataset.users])
    tastes = generated.truth.first_tastes
    closeness = tastes @ tastes.T
    same = (regions[:, None] == regions) & (regions != "")

    assert closeness[same & ~np.eye(len(tastes), dtype=bool)].mean() > closeness[~same].mean() + 0.1
    assert 0.03 < (regions == "").mean() < 0.2


def test_liking_follows_the_true_preference(generated: GeneratedDataset) -> None:
    """Of the events with a preference of p a share of about p is liked."""
    interactions = generated.dataset.interactions
    progress = np.full(len(interactions), 0.5)
    preference = generated.truth.preference(interactions.users, interactions.items, progress)

    for low, high in ((0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        part = (preference >= low) & (preference < high)
        assert interactions.liked[part].mean() == pytest.approx(preference[part].mean(), abs=0.07)


def test_truth_beats_popularity_and_popularity_beats_chance(generated: GeneratedDataset) -> None:
    """The order of what can be learned, by HR@10 for the last book with the full catalogue ranked."""
    split = leave_last_out(generated.dataset.sequences())
    train, users = split.train, np.arange(CONFIG.users)
    targets = split.held_out.items
    masked = history_mask(list(train), CONFIG.items)
    last = train.offsets[1:] - 1
    same_session = split.held_out.timestamps - train.timestamps[last] <= SESSION_GAP_MS
    previous = np.where(same_session, train.items[last], -1)

    def hits(scores: npt.NDArray[np.floating]) -> float:
        return float(hit_rate(rank_of_target(scores, targets, masked), 10).mean())

    counts = np.bincount(train.items, minlength=CONFIG.items).astype(np.float64)
    chance = hits(np.random.default_rng(0).random((CONFIG.users, CONFIG.items)))
    popularity = hits(np.tile(counts, (CONFIG.users, 1)))
    taste = hits(generated.truth.preference(users[:, None], np.arange(CONFIG.items)))
    sequence = hits(generated.truth.choice_logits(users, previous, np.ones(CONFIG.users, dtype=np.float32)))

    assert chance < 0.04
    assert popularity > 2 * chance
    assert taste > 2 * popularity
    assert sequence > 1.2 * taste
