"""Messages on a connection, each with its length before it."""

from struct import Struct

from shared.channel import MAX_MESSAGE_BYTES

_LENGTH = Struct("<I")

#: The most bytes of a message: those of gRPC, and what carries it.
MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64 * 1024


class FrameTooLarge(Exception):
    """A message is longer than any may be."""


def framed(message: bytes) -> bytes:
    """Returns a message as it goes over a connection: 4 bytes of its length, little-endian, and the message."""
    return _LENGTH.pack(len(message)) + message


class FrameBuffer:
    """Puts together what comes over a connection in pieces.

    Args:
        most: The most bytes of a message.
    """

    def __init__(self, most: int = MAX_FRAME_BYTES) -> None:
        self._most = most
        self._bytes = bytearray()

    def feed(self, piece: bytes) -> None:
        """Takes the next piece."""
        self._bytes += piece

    @property
    def is_empty(self) -> bool:
        """Whether all that came has been taken."""
        return not self._bytes

    def take(self) -> bytes | None:
        """Returns the next message; None while it is not all there.

        Raises:
            FrameTooLarge: it is longer than any may be.
        """
        have = len(self._bytes)
        if have < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > self._most:
            raise FrameTooLarge(f"a message has {length} bytes; at most {self._most} are allowed")
        end = _LENGTH.size + length
        if have < end:
            return None
        message = bytes(memoryview(self._bytes)[_LENGTH.size : end])
        del self._bytes[:end]
        return message
