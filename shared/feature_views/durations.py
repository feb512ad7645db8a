"""Lengths of time as people write them: `"30d"`, `"12h"`, or a number of seconds."""

import math
import re

_SECONDS = {"w": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "m": 60, "s": 1}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")

#: What a length of time may look like, for messages.
ALLOWED = 'a number of seconds, or a text such as "90s", "15m", "12h", "30d" or "4w"'


def parse_duration(written: object) -> float:
    """Returns seconds, at least 0.

    Raises:
        ValueError: it is no length of time; the message says what is.
    """
    seconds = math.nan
    if isinstance(written, str) and (match := _WRITTEN.fullmatch(written.strip())):
        seconds = float(match[1]) * _SECONDS[match[2]]
    elif isinstance(written, (int, float)) and not isinstance(written, bool):
        seconds = float(written)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"is {written!r}; it must be {ALLOWED}")
    return seconds


def format_duration(seconds: float) -> str:
    """Writes seconds in the largest unit that they are a whole number of; what is read again is the same."""
    if seconds and seconds == int(seconds):
        for unit, length in _SECONDS.items():
            if seconds % length == 0:
                return f"{int(seconds // length)}{unit}"
    return f"{seconds:f}".rstrip("0").rstrip(".") + "s"
