"""The kinds of fields that a feature view may have.

An attribute is a text or a number everywhere in the suite. An embedding or a sequence is therefore stored, sent and logged
as one attribute for each of its places: `taste[0]`, `taste[1]`, ...
"""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec

from shared.events import EventType
from shared.features import AttributeValue

#: Of an attribute's name, in UTF-8; the contracts refuse longer ones.
MAX_NAME_BYTES = 64
#: Of an embedding, and of a sequence.
MAX_PLACES = 1024

Places = Annotated[int, msgspec.Meta(ge=1, le=MAX_PLACES)]


class Counter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a number is counted from events: the sum of their weights, each halved with every half-life that has passed.

    Attributes:
        events: Names of the types that count, those of `shared.events.EventType` in small letters.
        half_life_seconds: Above 0.
    """

    events: tuple[str, ...]
    half_life_seconds: float

    def __post_init__(self) -> None:
        """Refuses what cannot be counted."""
        known = [kind.name.lower() for kind in EventType]
        unknown = [name for name in self.events if name not in known]
        if unknown or not self.events or len(set(self.events)) < len(self.events):
            raise ValueError(
                f"counter.events is {_listed(self.events)}; it must name some of {_listed(known)}, each once"
            )
        if not (math.isfinite(self.half_life_seconds) and self.half_life_seconds > 0):
            raise ValueError(f"counter.half_life is {self.half_life_seconds}; it must be longer than no time")

    @property
    def types(self) -> tuple[EventType, ...]:
        """The types of events that count."""
        return tuple(EventType[name.upper()] for name in self.events)


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"):
    name: str

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """The names under which values are stored; none for what is counted rather than written."""
        return (self.name,)

    def _check_name(self) -> None:
        longest = max((len(name.encode()) for name in self.attribute_names), default=len(self.name.encode()))
        if not self.name or longest > MAX_NAME_BYTES:
            raise ValueError(
                f"name is {self.name!r}; with the number of a place it must have 1 to {MAX_NAME_BYTES} bytes"
            )


class FloatField(_Named, frozen=True, tag="float"):
    """A number.

    Attributes:
        name: Of the attribute.
        default: Stands in for a missing or expired value; None leaves it missing.
        counter: How the number is counted from events; None where it is written.
    """

    default: float | None = None
    counter: Counter | None = None

    def __post_init__(self) -> None:
        """Refuses a name or a default that cannot be."""
        self._check_name()
        if self.default is not None and not math.isfinite(self.default):
            raise ValueError(f"default is {self.default}; it must be a finite number")

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """The field's own name, unless it is counted."""
        return () if self.counter else (self.name,)


class IntField(_Named, frozen=True, tag="int"):
    """A whole number.

    Attributes:
        name: Of the attribute.
        default: Stands in for a missing or expired value; None leaves it missing.
    """

    default: int | None = None

    def __post_init__(self) -> None:
        """Refuses a name that cannot be."""
        self._check_name()


class CategoricalField(_Named, frozen=True, tag="categorical"):
    """One of some texts.

    Attributes:
        name: Of the attribute.
        vocabulary: The texts that models know; empty: the most frequent ones in the data.
        default: Stands in for a missing or expired value; None leaves it missing.
    """

    vocabulary: tuple[str, ...] = ()
    default: str | None = None

    def __post_init__(self) -> None:
        """Refuses a name, a vocabulary or a default that cannot be."""
        self._check_name()
        _check_vocabulary(self.vocabulary, () if self.default is None else (self.default,))


class EmbeddingField(_Named, frozen=True, tag="embedding", kw_only=True):
    """A vector; its element i is the attribute `name[i]`.

    Attributes:
        name: Of the whole.
        width: How many numbers it has.
        default: Stands in for a missing or expired vector; as long as the width. None leaves it missing.
    """

    width: Places
    default: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuses a name or a default that cannot be."""
        self._check_name()
        if self.default is not None and (len(self.default) != self.width or not all(map(math.isfinite, self.default))):
            raise ValueError(f"default has {len(self.default)} numbers; it must have {self.width}, all finite")

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """A name for each element."""
        return places(self.name, self.width)


class SequenceField(_Named, frozen=True, tag="sequence", kw_only=True):
    """Some texts or items in an order; the i-th is the attribute `name[i]`.

    Attributes:
        name: Of the whole.
        length: The most that are kept; further ones are left out.
        of: "text", or "item" for ids of items.
        vocabulary: The texts or ids that models know; empty: the most frequent ones in the data.
        default: Stands in, place by place, for what is missing or expired; None leaves it missing.
    """

    length: Places
    of: str = "text"
    vocabulary: tuple[str, ...] = ()
    default: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuses a name, a kind of element, a vocabulary or a default that cannot be."""
        self._check_name()
        if self.of not in {"text", "item"}:
            raise ValueError(f"of is {self.of!r}; it must be one of 'text', 'item'")
        if self.default is not None and len(self.default) > self.length:
            raise ValueError(f"default has {len(self.default)} elements; it may have up to {self.length}")
        _check_vocabulary(self.vocabulary, self.default or ())

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """A name for each place."""
        return places(self.name, self.length)


FeatureField = FloatField | IntField | CategoricalField | EmbeddingField | SequenceField

#: By the word that a declaration has for it.
FIELD_KINDS: dict[str, type[FeatureField]] = {
    "float": FloatField,
    "int": IntField,
    "categorical": CategoricalField,
    "embedding": EmbeddingField,
    "sequence": SequenceField,
}


def places(name: str, count: int) -> tuple[str, ...]:
    """Returns the attributes that an embedding or a sequence is stored as: `name[0]`, `name[1]`, ..."""
    return tuple(f"{name}[{place}]" for place in range(count))


def kind_of(field: FeatureField) -> str:
    """Returns the word that a declaration has for the field's kind."""
    return next(kind for kind, struct in FIELD_KINDS.items() if isinstance(field, struct))


def defaults(field: FeatureField) -> tuple[AttributeValue | None, ...]:
    """Returns the default of each of the field's attributes, or of the number that is counted."""
    if isinstance(field, (EmbeddingField, SequenceField)):
        given: Sequence[AttributeValue] = field.default or ()
        return (*given, *[None] * (len(field.attribute_names) - len(given)))
    return (float(field.default) if isinstance(field.default, int) else field.default,)


def _check_vocabulary(vocabulary: Sequence[str], default: Sequence[str]) -> None:
    if len(set(vocabulary)) < len(vocabulary):
        raise ValueError("vocabulary has a text twice; it must have each once")
    for text in default:
        if vocabulary and text not in vocabulary:
            raise ValueError(f"default has {text!r}, which is not in the vocabulary: {_listed(vocabulary)}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "empty"
