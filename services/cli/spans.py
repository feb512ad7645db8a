"""Spans of time for people."""

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def span_in_words(seconds: float) -> str:
    """Returns a span in its largest whole unit, such as "3 d" or "45 s"."""
    for name, length in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {name}"
    return f"{int(seconds)} s"
