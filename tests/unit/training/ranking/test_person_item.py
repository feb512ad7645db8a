"""Vectors of persons and items."""

import pytest
import torch

from services.training.ranking import person_item
from services.training.ranking.model import RankerShape
from services.training.ranking.person_item import PersonItem


@pytest.mark.parametrize("candidates", [[3, 4, 0, 0, 11], [1, 4, 0, 7, 8]])
def test_a_person_is_the_same_in_fitting_and_in_serving(candidates: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting who met what is quicker than comparing, and gives the same, and the same gradients.

    Whether candidates are among what was met or not.
    """
    torch.manual_seed(0)
    vectors = PersonItem(RankerShape(12, (), ()), 4, 0.5)
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
