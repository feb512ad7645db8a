"""Film titles as MovieLens files spell them, turned into what a person would write."""

from __future__ import annotations

import re

_ARTICLES = "The|An|A|Les|Le|La|L'|Los|Las|El|Il|I|Das|Der|Die|Det|O"
# The article stands before a year, before an alternative title in brackets, or at the very end.
_TRAILING_ARTICLE = re.compile(rf"(?P<name>[^()]+), (?P<article>{_ARTICLES})(?=\)| \(|$)")
_YEAR = re.compile(r"\((\d{4})\)$")


def natural_title(title: str) -> str:
    """Move sorted-away articles back: "Hate (Haine, La) (1995)" becomes "Hate (La Haine) (1995)"."""
    return _TRAILING_ARTICLE.sub(_article_first, title)


def year_in_title(title: str) -> float | None:
    """The year in brackets at the end of `title`, or None when there is none."""
    match = _YEAR.search(title)
    return float(match.group(1)) if match else None


def _article_first(match: re.Match[str]) -> str:
    article = match.group("article")
    gap = "" if article.endswith("'") else " "
    return f"{article}{gap}{match.group('name')}"
