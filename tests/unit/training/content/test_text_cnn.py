"""A convolutional network over words, beside the sums written out."""

import numpy as np
import pytest
import torch
from torch import nn

from services.training.content.text_cnn import TextCnn

EMBEDDING, FILTERS, WIDTHS = 3, 2, (2, 3)


@pytest.fixture
def network() -> TextCnn:
    """A tiny network with random parameters."""
    torch.manual_seed(0)
    return TextCnn(terms=7, embedding=EMBEDDING, filters=FILTERS, widths=WIDTHS)


def by_hand(network: TextCnn, words: list[int]) -> np.ndarray:
    """What Kim's network gives for the words of one text, with loops."""
    table = network.words.weight.detach().numpy()
    found = []
    for width, phrase in zip(WIDTHS, network.phrases, strict=True):
        weight, bias = (parameter.detach().numpy() for parameter in phrase.parameters())
        for chosen in range(FILTERS):
            strongest = 0.0
            for begin in range(len(words)):
                activation = bias[chosen]
                for place, word in enumerate(words[begin : begin + width]):
                    activation += float(weight[chosen, :, place] @ table[word])
                strongest = max(strongest, activation)
            found.append(strongest)
    return np.array(found)


def test_a_text_becomes_how_strongly_it_has_each_phrase(network: TextCnn) -> None:
    """The strongest of each filter's windows, a window beginning at each word; never below 0."""
    texts = [[1, 2, 3, 4, 5], [7, 7, 1], [6]]
    numbers = torch.tensor([[*text, *[0] * (5 - len(text))] for text in texts])
    found = network(numbers).detach().numpy()
    np.testing.assert_allclose(found, np.stack([by_hand(network, text) for text in texts]), rtol=1e-5, atol=1e-6)
    assert found.shape == (3, network.dimension)


def test_padding_after_a_text_changes_nothing(network: TextCnn) -> None:
    """However much there is, also with a bias that alone would be the strongest."""
    with torch.no_grad():
        for phrase in network.phrases:
            assert isinstance(phrase, nn.Conv1d)
            assert phrase.bias is not None
            phrase.bias += 5.0
    short, long = torch.tensor([[3, 1, 2]]), torch.tensor([[3, 1, 2, 0, 0, 0, 0]])
    torch.testing.assert_close(network(short), network(long))


def test_a_text_without_words_is_zero(network: TextCnn) -> None:
    """Nothing is found in it."""
    assert not network(torch.zeros(1, 4, dtype=torch.int64)).any()
