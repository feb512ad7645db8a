"""What a variant must reach to be part of a snapshot."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.training.config import TrainingConfig, VariantConfig
from services.training.evaluation import RankedQueries
from services.training.export import export_ranker
from services.training.golden import compute_golden, golden_batches
from services.training.item_features import ItemFeatures
from services.training.models import Features
from services.training.queries import NextItemQueries
from services.training.ranking.lists import lists_of, score_all
from services.training.recall_lists import ListedQueries
from services.training.variants.agreement import Agreement
from services.training.variants.gate import accepted, agreement_table, find_problem, problems, write_variants
from shared.snapshot.golden import GoldenRequests
from tests.unit.training.ranking.models import ITEM_FEATURES, ITEMS, MAX_HISTORY, USER_FEATURES, random_ranker

GOOD = Agreement(spearman=0.999, overlap=0.99, ndcg=0.2, ndcg_loss=0.0005, ndcg_loss_error=0.001, largest=0.1)
BOUNDS = VariantConfig()


@pytest.mark.parametrize(
    ("agreement", "problem"),
    [
        (GOOD, ""),
        (replace(GOOD, ndcg_loss=-0.01), ""),
        (replace(GOOD, ndcg_loss=0.0042), "it loses 0.42% (± 0.10%) of NDCG@10, and 0.10% is allowed"),
        (replace(GOOD, spearman=0.9), "its rank correlation is 0.9000, and 0.9900 is wanted"),
        (replace(GOOD, overlap=0.8), "it shares 80.00% of the first ten, and 95.00% are wanted"),
        (replace(GOOD, largest=float("nan")), "it gives scores that are not finite"),
    ],
)
def test_each_bound_is_one_and_says_by_how_much_it_is_broken(agreement: Agreement, problem: str) -> None:
    """What gains is not refused for it."""
    assert find_problem(agreement, BOUNDS) == problem


class Trained:
    """A ranker with random parameters, written as training writes it.

    Args:
        folder: Where to.
    """

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(0)
        ranker = random_ranker()
        matrix = random.standard_normal((ITEMS, ITEM_FEATURES)).astype(np.float32)
        users = random.standard_normal((40, USER_FEATURES)).astype(np.float32)
        names = tuple(f"feature {column}" for column in range(ITEM_FEATURES))
        self.features = Features(np.ones(ITEMS, np.float32), ItemFeatures(names, matrix), (), users)
        history = random.integers(ITEMS, size=(40, MAX_HISTORY))
        lists = np.stack([random.permutation(ITEMS)[:20] for _ in range(40)])
        lists[3, 15:] = -1
        listed = ListedQueries(np.arange(40), history, lists, lists[:, 4])
        laid_out = lists_of(ranker, listed.users, history, lists, self.features.tables())
        self.ranked = RankedQueries(listed, score_all(ranker, laid_out))
        queries = NextItemQueries(listed.users, tuple(row.astype(np.int32) for row in history), listed.targets)
        self.golden: GoldenRequests = compute_golden(
            golden_batches(queries, self.features, MAX_HISTORY, 0), {}, ranker, self.features
        )
        export_ranker(ranker, ITEMS, MAX_HISTORY, (USER_FEATURES, ITEM_FEATURES), folder / "ranker" / "model.onnx")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a snapshot."""
    return tmp_path_factory.mktemp("snapshot")


@pytest.fixture(scope="module")
def trained(root: Path) -> Trained:
    """What training has when it judges; exported once."""
    return Trained(root)


def config_of(**bounds: object) -> TrainingConfig:
    """Returns a configuration with these bounds of variants."""
    return TrainingConfig.model_validate({"threads": 2, "variants": bounds})


def test_variants_that_pass_are_kept_with_what_was_measured(root: Path, trained: Trained) -> None:
    """Their tolerance covers every score that was compared, golden ones among them, twice."""
    config = config_of(max_ndcg_loss=0.9, min_overlap=0.5, min_spearman=0.5)
    variants = write_variants(
        root, "ranker/model.onnx", trained.ranked, features=trained.features, golden=trained.golden, config=config
    )
    entries = accepted(variants)
    assert [entry.precision for entry in entries] == ["fp16", "int8"]
    for entry in entries:
        assert (root / entry.model).is_file()
        agreement = variants[entry.precision].agreement
        assert entry.tolerance >= 2 * agreement.largest > 0
        assert (entry.spearman, entry.overlap, entry.ndcg_loss) == (
            agreement.spearman, agreement.overlap, agreement.ndcg_loss,
        )  # fmt: skip
    assert problems(variants) == {}
    assert {row["kept"] for row in agreement_table(variants).values()} == {1.0}


def test_a_variant_that_does_not_pass_leaves_no_file_and_is_reported(root: Path, trained: Trained) -> None:
    """Nothing but the reason is left of it."""
    config = config_of(min_spearman=1.0, max_ndcg_loss=0.0, precisions=["int8"])
    variants = write_variants(
        root, "ranker/model.onnx", trained.ranked, features=trained.features, golden=trained.golden, config=config
    )
    assert accepted(variants) == ()
    assert not (root / "ranker" / "int8.onnx").exists()
    assert "its rank correlation is 0.99" in problems(variants)["int8"]
    assert agreement_table(variants)["int8"]["kept"] == 0.0


def test_no_more_queries_are_scored_than_are_asked_for(trained: Trained) -> None:
    """The same ones every time."""
    some = trained.ranked.sample(5, seed=1)
    assert len(some.listed) == len(some.scores) == 5
    np.testing.assert_array_equal(some.scores, trained.ranked.sample(5, seed=1).scores)
    assert trained.ranked.sample(40, seed=1) is trained.ranked
