"""The sequence encoder."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from services.training.sequence.attention import CausalAttentionBlock
from services.training.sequence.config import SasrecConfig
from services.training.sequence.encoder import PADDING, SequenceEncoder

ITEMS = 23
CONFIG = SasrecConfig(dimension=8, heads=2, blocks=2, feedforward=12)
MAX_HISTORY = 6
NOBODY = torch.zeros(1, 2)  # the encoder does not look at who asks
Array = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def encoder() -> SequenceEncoder:
    """An encoder with random parameters, the biases and norms too, so that nothing cancels out."""
    torch.manual_seed(3)
    made = SequenceEncoder(ITEMS, CONFIG, MAX_HISTORY).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


def numbers(parameter: torch.Tensor) -> Array:
    """A parameter in double precision."""
    return parameter.detach().numpy().astype(np.float64)


def normalised(states: Array, norm: nn.LayerNorm) -> Array:
    """Layer normalisation (Ba et al., 2016)."""
    centred = states - states.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=-1, keepdims=True) + norm.eps)
    return np.asarray(scaled * numbers(norm.weight) + numbers(norm.bias))


def linear(states: Array, layer: nn.Linear) -> Array:
    """An affine map."""
    return states @ numbers(layer.weight).T + numbers(layer.bias)


def gelu(values: Array) -> Array:
    """The exact Gaussian error linear unit."""
    erf = np.vectorize(lambda value: float(torch.erf(torch.tensor(value, dtype=torch.float64))))
    return np.asarray(values * 0.5 * (1.0 + erf(values / np.sqrt(2.0))))


def attend(states: Array, block: CausalAttentionBlock) -> Array:
    """One block over real items alone, position by position and head by head."""
    length, dimension = states.shape
    width = dimension // block.heads
    context = normalised(states, block.attention_norm)
    query, key_value = linear(context, block.query), linear(context, block.key_value)
    key, value = key_value[:, :dimension], key_value[:, dimension:]
    bias = numbers(block.distance_bias)
    attended = np.zeros_like(states)
    for position in range(length):
        for head in range(block.heads):
            part = slice(head * width, (head + 1) * width)
            agreements = np.asarray(
                [
                    query[position, part] @ key[other, part] / np.sqrt(width)
                    + bias[head, min(position - other, bias.shape[1] - 1)]
                    for other in range(position + 1)
                ]
            )
            weights = np.exp(agreements - agreements.max())
            attended[position, part] = weights @ value[: position + 1, part] / weights.sum()
    states = states + linear(attended, block.output)
    return states + linear(gelu(linear(normalised(states, block.feedforward_norm), block.expand)), block.contract)


@pytest.mark.parametrize("history", [[4], [4, 9, 2], [1, 2, 3, 4, 5, 6]])
def test_the_states_are_what_the_formulas_give(encoder: SequenceEncoder, history: list[int]) -> None:
    """A NumPy implementation with loops instead of masks computes the same states."""
    expected = numbers(encoder.item_embedding.weight)[history]
    for block in encoder.blocks:
        assert isinstance(block, CausalAttentionBlock)
        expected = attend(expected, block)
    expected = normalised(expected, encoder.norm)

    with torch.no_grad():
        states = encoder.states(torch.tensor([history]))[0]

    np.testing.assert_allclose(states.numpy(), expected, rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    history=st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=6),
    future=st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=6),
    data=st.data(),
)
def test_later_items_do_not_change_earlier_states(
    encoder: SequenceEncoder, history: list[int], future: list[int], data: st.DataObject
) -> None:
    """Whatever follows a prefix, the states of the prefix stay."""
    other = data.draw(st.lists(st.integers(0, ITEMS - 1), min_size=len(future), max_size=len(future)))

    with torch.no_grad():
        one = encoder.states(torch.tensor([history + future]))[0, : len(history)]
        another = encoder.states(torch.tensor([history + other]))[0, : len(history)]

    torch.testing.assert_close(one, another, rtol=1e-5, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(history=st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=5), padding=st.integers(1, 4))
def test_padding_on_the_left_changes_nothing(encoder: SequenceEncoder, history: list[int], padding: int) -> None:
    """The query is the same however much padding stands before the history."""
    with torch.no_grad():
        plain = encoder(torch.tensor([history]), NOBODY)
        padded = encoder(torch.tensor([[PADDING] * padding + history]), NOBODY)

    torch.testing.assert_close(padded, plain, rtol=1e-5, atol=1e-5)


def test_somebody_without_a_history_gets_the_same_finite_vector_at_any_width(encoder: SequenceEncoder) -> None:
    """Rows of padding alone are finite, alike, and not the zero vector."""
    with torch.no_grad():
        narrow = encoder(torch.full((1, 1), PADDING), NOBODY)
        wide = encoder(torch.full((2, 6), PADDING), NOBODY)

    assert torch.isfinite(wide).all()
    assert narrow.norm() > 0
    torch.testing.assert_close(wide, narrow.expand(2, -1), rtol=1e-5, atol=1e-5)


def test_the_query_is_the_last_state(encoder: SequenceEncoder) -> None:
    """The short cut that serving takes gives the last of the states that training computes."""
    history = torch.tensor([[PADDING, 3, 7, 1], [5, 6, 2, 2], [PADDING] * 4])

    with torch.no_grad():
        torch.testing.assert_close(encoder(history, NOBODY), encoder.states(history)[:, -1], rtol=1e-5, atol=1e-6)


def test_the_order_of_the_history_matters(encoder: SequenceEncoder) -> None:
    """The same items in another order give another query: the biases by distance are in use."""
    with torch.no_grad():
        one, other = (encoder(torch.tensor([history]), NOBODY) for history in ([1, 2, 3], [2, 1, 3]))
        assert not torch.allclose(one, other, atol=1e-3)
