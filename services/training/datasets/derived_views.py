"""The feature views of a data set that declares none: what follows from the attributes that are there."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from shared.feature_views import (
    DERIVED,
    CategoricalField,
    EmbeddingField,
    FeatureField,
    FeatureView,
    FloatField,
    IntField,
    SequenceField,
)
from shared.feature_views.columns import RESERVED_ITEM_NAMES
from shared.features import AttributeValue

Attributes = Mapping[str, AttributeValue]

# An attribute with a text of its own for most users identifies people and does not describe them.
_MOST_DISTINCT_SHARE = 0.5
_FEW_TEXTS = 32

_PLACE = re.compile(r"(.+)\[(0|[1-9]\d*)\]", re.DOTALL)


def derive_views(users: Sequence[Attributes], items: Sequence[Attributes]) -> tuple[FeatureView, ...]:
    """Returns a view `user` and a view `item`, each with the fields that describe, in order of their names.

    Of users: an attribute that is mostly a text is categorical, and left out when nearly every user has another one; all
    else is a number. Of items: the numbers alone, since their texts are for filters. Attributes `x[0]`, `x[1]`, ... are an
    embedding or a sequence `x`. Nothing holds for a limited time, and nothing has a default.
    """
    views = (
        FeatureView(name="user", entity="user", version=DERIVED, fields=tuple(_user_fields(users))),
        FeatureView(name="item", entity="item", version=DERIVED, fields=tuple(_item_fields(items))),
    )
    return tuple(view for view in views if view.fields)


def _user_fields(users: Sequence[Attributes]) -> Iterator[FeatureField]:
    for name, width in _names(users):
        values = _values(users, name, width)
        texts = [value for value in values if isinstance(value, str)]
        numbers = [value for value in values if not isinstance(value, str) and math.isfinite(value)]
        if len(texts) > len(numbers):
            if width or len(Counter(texts)) <= max(_FEW_TEXTS, _MOST_DISTINCT_SHARE * len(users)):
                yield SequenceField(name=name, length=width) if width else CategoricalField(name)
        elif numbers:
            yield _number(name, width, numbers)


def _item_fields(items: Sequence[Attributes]) -> Iterator[FeatureField]:
    for name, width in _names(items):
        values = _values(items, name, width)
        numbers = [value for value in values if not isinstance(value, str) and math.isfinite(value)]
        if name not in RESERVED_ITEM_NAMES and numbers:
            yield _number(name, width, numbers)


def _number(name: str, width: int, numbers: Iterable[float]) -> FeatureField:
    if width:
        return EmbeddingField(name=name, width=width)
    return IntField(name) if all(float(number).is_integer() for number in numbers) else FloatField(name)


def _names(entities: Sequence[Attributes]) -> list[tuple[str, int]]:
    """Names in order, each with how many places it has; 0 where it is a single value."""
    single = {name for attributes in entities for name in attributes}
    found: dict[str, set[int]] = {}
    for name in single:
        if match := _PLACE.fullmatch(name):
            found.setdefault(match[1], set()).add(int(match[2]))
    lists = {
        name: len(places) for name, places in found.items() if places == set(range(len(places))) and name not in single
    }
    single -= {f"{name}[{place}]" for name, count in lists.items() for place in range(count)}
    return sorted([(name, 0) for name in single] + list(lists.items()))


def _values(entities: Sequence[Attributes], name: str, width: int) -> list[AttributeValue]:
    names = [f"{name}[{place}]" for place in range(width)] or [name]
    return [attributes[one] for attributes in entities for one in names if one in attributes]
