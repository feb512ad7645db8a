"""Vectors of persons and items."""

from pathlib import Path

import pytest
import torch

from services.training.export import deviation, export_ranker
from services.training.ranking import person_item
from services.training.ranking.model import RankerShape
from services.training.ranking.person_item import PersonItem
from services.training.ranking.registry import RANKERS
from shared.snapshot.graphs import RANKER


@pytest.mark.parametrize("half_life", [0.0, 2.0])
@pytest.mark.parametrize("candidates", [[3, 4, 0, 0, 11], [1, 4, 0, 7, 8]])
def test_a_person_is_the_same_in_fitting_and_in_serving(
    candidates: list[int], half_life: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting who met what is quicker than comparing, and gives the same, and the same gradients.

    Whether candidates are among what was met or not.
    """
    torch.manual_seed(0)
    vectors = PersonItem(RankerShape(12, (), ()), 4, 0.5, half_life)
    history = torch.tensor([[-1, -1, 3, 5, 3], [-1, -1, -1, -1, -1], [0, 1, 2, 3, 11]])
    asked = (
        history,
        torch.ones(3, 1),
        torch.tensor(candidates),
        torch.zeros(5, 0),
        torch.tensor([0, 0, 1, 2, 2]),
    )
    found = []
    for most, training in ((10**6, True), (1, True), (10**6, False)):
        monkeypatch.setattr(person_item, "_MOST_COUNTS", most)
        vectors.train(training).zero_grad()
        person, item = vectors(*asked)
        (person * item).sum().backward()
        assert vectors.history.weight.grad is not None
        found.append((person.detach(), vectors.history.weight.grad.clone()))
    for person, gradient in found[1:]:
        torch.testing.assert_close(person, found[0][0])
        torch.testing.assert_close(gradient, found[0][1])


def test_what_was_done_last_counts_twice_what_was_done_a_half_life_before() -> None:
    """Worked out by hand for two people, one of whom did nothing; how much padding stands before changes nothing."""
    torch.manual_seed(0)
    shape = RankerShape(6, (), ())
    with_recent, without = PersonItem(shape, 3, 1.0, half_life=2.0).eval(), PersonItem(shape, 3, 1.0).eval()
    without.load_state_dict({name: one for name, one in with_recent.state_dict().items() if name != "recent.weight"})
    assert with_recent.recent is not None
    table = with_recent.recent.weight
    asked = (torch.tensor([[-1, 4, 2, 5], [-1, -1, -1, -1]]), torch.ones(2, 1), torch.tensor([0, 0]), torch.zeros(2, 0))
    added = with_recent(*asked, torch.arange(2))[0] - without(*asked, torch.arange(2))[0]
    weights = 0.5 ** (torch.tensor([2.0, 1.0, 0.0]) / 2.0)
    torch.testing.assert_close(added[0], (weights[:, None] * table[[4, 2, 5]]).sum(dim=0) / weights.sum())
    torch.testing.assert_close(added[1], torch.zeros(3))
    narrow = with_recent(asked[0][:, 1:], *asked[1:], torch.arange(2))[0]
    torch.testing.assert_close(narrow, with_recent(*asked, torch.arange(2))[0])


@pytest.mark.parametrize("name", ["mf", "neumf"])
def test_a_model_with_a_half_life_gives_the_same_as_a_graph(name: str, tmp_path: Path) -> None:
    """For short and long histories, and none."""
    torch.manual_seed(0)
    family = RANKERS[name]
    model = family.build(RankerShape(9, (), ("new",)), family.config(half_life=3.0)).eval()
    export_ranker(model, 9, 10, (1, 1), tmp_path / "ranker.onnx")
    graph = RANKER.open(tmp_path / "ranker.onnx", threads=1)
    for length in (1, 4, 10):
        history = torch.randint(9, (3, length))
        history[0] = -1
        asked = (history, torch.ones(3, 1), torch.arange(5), torch.rand(5, 1), torch.tensor([0, 0, 1, 2, 2]))
        with torch.inference_mode():
            expected = model(*asked).numpy()
        inputs = {given: value.numpy() for given, value in zip(RANKER.inputs, asked, strict=True)}
        assert deviation(graph, inputs, expected) <= 1e-4
