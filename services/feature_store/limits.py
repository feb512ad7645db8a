"""The limits of the contract: each check names the field that breaks one."""

from collections.abc import Sequence

from shared.errors import InvalidArgument
from shared.events import EventType

MAX_ID_BYTES = 256
#: Of an event, and of a request.
MAX_EVENT_ID_BYTES = 128
MAX_NAME_BYTES = 64

_TYPES = frozenset(int(kind) for kind in EventType)


def check_count(field: str, count: int, limit: int) -> None:
    """Checks that there is at least one, and no more than the limit.

    Raises:
        InvalidArgument: naming the field.
    """
    if not 1 <= count <= limit:
        raise InvalidArgument(field, f"holds {count}; 1 to {limit} are allowed")


def check_text(field: str, text: str, limit: int, required: bool = True) -> None:
    """Checks that a text is there, if it must, and has no more bytes than the limit.

    Raises:
        InvalidArgument: naming the field.
    """
    if required and not text:
        raise InvalidArgument(field, "is required")
    # A character takes at most four bytes, so that the usual short id need not be encoded to be measured.
    if len(text) * 4 > limit and (length := len(text.encode())) > limit:
        raise InvalidArgument(field, f"has {length} bytes; at most {limit} are allowed")


def check_unique(field: str, texts: Sequence[str]) -> None:
    """Checks that no text comes twice.

    Raises:
        InvalidArgument: naming the field.
    """
    if len(set(texts)) < len(texts):
        place_of: dict[str, int] = {}
        for position, text in enumerate(texts):
            if (first := place_of.setdefault(text, position)) != position:
                raise InvalidArgument(f"{field}[{position}]", f"is {field}[{first}] once more")


def check_type(field: str, kind: int) -> None:
    """Checks that a number is an `EventType`.

    Raises:
        InvalidArgument: naming the field.
    """
    if kind not in _TYPES:
        raise InvalidArgument(field, f"is {kind or 'unspecified'}, which is no type of event")


def check_time(field: str, time_ms: int) -> None:
    """Checks that a time in milliseconds is zero or more.

    Raises:
        InvalidArgument: naming the field.
    """
    if time_ms < 0:
        raise InvalidArgument(field, "must be zero or more")
