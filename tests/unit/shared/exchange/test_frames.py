"""Messages come out of a connection as they went in, however the network cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.exchange.frames import FrameBuffer, FrameTooLarge, framed


@given(st.lists(st.binary(max_size=300)), st.integers(1, 64))
def test_messages_survive_any_cut(messages: list[bytes], size: int) -> None:
    """In their order, each as soon as its last byte is there, empty ones too."""
    sent, buffer, got = b"".join(map(framed, messages)), FrameBuffer(), []
    for start in range(0, len(sent), size):
        buffer.feed(sent[start : start + size])
        while (message := buffer.take()) is not None:
            got.append(message)
    assert got == messages


def test_a_length_is_four_bytes_little_endian() -> None:
    """As the contract says."""
    assert framed(b"abc") == b"\x03\x00\x00\x00abc"


def test_a_message_that_is_too_long_is_refused_by_its_length_alone() -> None:
    """At the limit it is not."""
    buffer = FrameBuffer(most=3)
    buffer.feed(framed(b"abc") + framed(b"abcd")[:4])
    assert buffer.take() == b"abc"
    with pytest.raises(FrameTooLarge):
        buffer.take()
