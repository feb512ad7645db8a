"""Ranking models that put the candidates of a protocol in order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.training.benchmark.protocol import Outcome, Refused, Request
from services.training.benchmark.ranked_candidates import PAIR_RANKERS
from services.training.benchmark.registry import PROTOCOLS
from services.training.progress import Silence
from services.training.ranking.model import RankerFamily, RankerModelConfig
from services.training.ranking.registry import RANKERS
from services.training.recall.registry import RECALL_MODELS
from tests.unit.training.benchmark.folders import sequences_folder, with_ncf_test

FOLDERS: dict[str, Callable[[Path], Path]] = {
    "ncf": lambda root: with_ncf_test(sequences_folder(root)),
    "sampled-negatives": sequences_folder,
}


def run(protocol: str, model: str, folder: Path, max_history: int | None = None, **settings: object) -> Outcome:
    """One cell."""
    return PROTOCOLS[protocol].run(Request(folder, model, settings, 0, 1, max_history, Silence()))


@pytest.mark.parametrize("protocol", FOLDERS)
def test_models_of_both_kinds_are_judged_by_the_same_protocol(protocol: str, tmp_path: Path) -> None:
    """Each finds more than popularity does: whoever steps through the catalogue goes on where they are."""
    folder = FOLDERS[protocol](tmp_path)
    popularity = run(protocol, "popularity", folder)
    found = [
        run(protocol, "ease", folder),
        run(protocol, "neumf", folder, epochs=30, patience=30, batch=64, learning_rate=0.02),
    ]
    for outcome in found:
        assert outcome.metrics["ndcg@10"].mean > popularity.metrics["ndcg@10"].mean
        assert list(outcome.metrics) == list(popularity.metrics)
        assert outcome.slices.keys() == popularity.slices.keys()
        assert outcome.queries == popularity.queries
        assert outcome.size == popularity.size


def test_what_a_ranking_model_takes_is_told(tmp_path: Path) -> None:
    """And every setting, those of sampling too; a query has no vector."""
    outcome = run("sampled-negatives", "mf", sequences_folder(tmp_path), epochs=2, dimension=3, negatives=7)
    assert outcome.configuration["dimension"] == 3
    assert outcome.configuration["negatives"] == 7
    assert outcome.configuration["parts"] == 5
    assert len(outcome.curve) == 2
    assert outcome.cost.bytes_per_item is not None
    assert outcome.cost.bytes_per_item > 2 * 4 * 3
    assert outcome.cost.query_ms is not None
    assert outcome.cost.dimension is None


class Counting(nn.Module):
    """Scores candidates by their row, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.asked: list[tuple[set[int], int]] = []

    def forward(
        self,
        history: Tensor,
        user_features: Tensor,  # noqa: ARG002 - the contract's signature
        candidates: Tensor,
        item_features: Tensor,  # noqa: ARG002
        query: Tensor,
    ) -> Tensor:
        """Remembers which candidates were scored for which history."""
        for of, candidate in zip(query.tolist(), candidates.tolist(), strict=True):
            self.asked.append((set(history[of].tolist()) - {-1}, candidate))
        return self.weight * candidates[:, None].to(torch.float32)


def test_the_positive_of_the_test_is_in_no_history_and_never_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every history that is ever shown, in fitting, validation and test, is without the last item of its user."""
    counting = Counting()
    family: RankerFamily[Any] = RankerFamily("counting", "", RankerModelConfig, lambda shape, config: counting)  # noqa: ARG005
    monkeypatch.setitem(PAIR_RANKERS, "counting", family)
    folder = tmp_path / "strangers"
    folder.mkdir()
    # Nobody shares an item with anybody, and rows are in the order of these numbers: items tell users apart.
    lines = [" ".join(str(100 + one) for one in (-99 + user, *range(9 * user, 9 * user + 9))) for user in range(14)]
    (folder / "sequences.txt").write_text("\n".join(lines) + "\n")
    titles = "".join(f"{100 + item}\tThing\n" for item in range(14 * 9))
    (folder / "items.tsv").write_text("item\ttitle\n" + titles)

    run("sampled-negatives", "counting", folder, epochs=1, batch=5)

    found = set()
    for shown, candidate in counting.asked:
        users = {row // 9 for row in shown}
        assert len(users) <= 1
        assert not any(row % 9 == 8 for row in shown)
        if len(shown) == 8 and candidate % 9 == 8:
            found |= users & {candidate // 9}
    assert found == set(range(14))


def test_the_order_is_that_of_the_scores_among_the_candidates_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worked out from the file: a model that prefers large rows, and a positive that nobody knows is a miss."""
    family: RankerFamily[Any] = RankerFamily("counting", "", RankerModelConfig, lambda shape, config: Counting())  # noqa: ARG005
    monkeypatch.setitem(PAIR_RANKERS, "counting", family)
    folder = with_ncf_test(sequences_folder(tmp_path))
    found = run("ncf", "counting", folder, epochs=1, learning_rate=1e-9)
    items = {item for line in (folder / "sequences.txt").read_text().splitlines() for item in line.split()[1:]}
    reciprocal = []
    for line in (folder / "ncf_test.txt").read_text().splitlines():
        positive, *negatives = line.split()[1:]
        above = {item for item in negatives if item in items and int(item) > int(positive)}
        reciprocal.append(1 / (1 + len(above)) if positive in items else 0.0)
    assert found.metrics["mrr@10"].mean == pytest.approx(np.mean(reciprocal), abs=1e-6)


def test_a_model_may_be_shown_only_the_newest_items(tmp_path: Path) -> None:
    """Another result."""
    folder = sequences_folder(tmp_path)
    shown = run("sampled-negatives", "mf", folder, max_history=1, epochs=2)
    assert shown.metrics != run("sampled-negatives", "mf", folder, epochs=2).metrics


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    """Bit for bit."""
    folder = sequences_folder(tmp_path)
    first, second = (run("sampled-negatives", "neumf", folder, epochs=2) for _ in range(2))
    assert first.metrics == second.metrics
    assert first.curve == second.curve


def test_every_model_has_one_name(tmp_path: Path) -> None:
    """No ranking model here is called what a recall model is called; an unknown one is refused with all there are."""
    assert not set(PAIR_RANKERS) & {*RECALL_MODELS, "popularity"}
    models = PROTOCOLS["ncf"].models()
    assert set(models) == {*RECALL_MODELS, "popularity", *RANKERS} - {"signals", "gbdt"}
    with pytest.raises(Refused, match=f"no model 'magic' for ncf; choose one of {', '.join(models)}"):
        run("ncf", "magic", tmp_path)


def test_a_setting_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """With those of the model and of sampling."""
    with pytest.raises(Refused, match=r"setting 'negative' of mf.*the settings are: .*dimension.*negatives"):
        run("sampled-negatives", "mf", sequences_folder(tmp_path), negative=3)
