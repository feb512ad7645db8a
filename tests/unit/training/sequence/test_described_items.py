"""Item embeddings that are partly made of descriptions."""

import numpy as np
import torch
from torch import nn

from services.training.sequence.described_items import described

DESCRIPTIONS = np.eye(3, 2, dtype=np.float32)


def test_items_of_one_description_learn_from_each_other() -> None:
    """A step for the first item moves the second, of the same words, along, and not the third, which has none."""
    descriptions = np.asarray([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]], dtype=np.float32)
    embedding = nn.Embedding(3, 4)
    with described(embedding, descriptions):
        before = embedding.weight.detach().clone()
        descent = torch.optim.SGD(embedding.parameters(), lr=0.1)
        embedding(torch.tensor([0])).sum().backward()
        descent.step()
        moved = embedding.weight.detach() - before

    # By hand: the first by its own part and by that of its word, 0.1 each; the second by the word's alone.
    assert torch.allclose(moved, torch.tensor([[-0.2] * 4, [-0.1] * 4, [0.0] * 4]), atol=1e-6)


def test_what_is_left_is_the_sum() -> None:
    """An embedding like any other, with the vectors that were fitted."""
    embedding = nn.Embedding(3, 4)
    own = embedding.weight.detach().clone()
    with described(embedding, DESCRIPTIONS):
        together = embedding.weight.detach().clone()

    assert type(embedding) is nn.Embedding
    assert [name for name, _ in embedding.named_parameters()] == ["weight"]
    assert torch.equal(embedding.weight, together)
    assert torch.equal(together[2], own[2])
    assert not torch.equal(together[:2], own[:2])


def test_a_fit_that_fails_leaves_an_embedding_too() -> None:
    """Whoever catches the failure does not hold half a model."""
    embedding = nn.Embedding(3, 4)
    try:
        with described(embedding, DESCRIPTIONS):
            raise RuntimeError
    except RuntimeError:
        pass
    assert type(embedding) is nn.Embedding


def test_descriptions_are_not_kept_in_checkpoints() -> None:
    """They follow from the catalogue, and can be as large as all parameters together."""
    embedding = nn.Embedding(3, 4)
    with described(embedding, DESCRIPTIONS):
        assert not [name for name in embedding.state_dict() if "descriptions" in name]
