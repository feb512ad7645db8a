"""The features that fields become: one place for training, which computes them, and for serving, which checks them."""

from collections.abc import Sequence

from shared.feature_views.fields import (
    CategoricalField,
    EmbeddingField,
    FeatureField,
    FloatField,
    IntField,
    SequenceField,
    defaults,
    places,
)
from shared.feature_views.views import FeatureView, fields_of
from shared.features import UserField

#: Features of items that training computes for every data set; a field may not be named like one.
LOG_POPULARITY, NEVER_MET, CATEGORY = "log popularity", "never met", "category"
RESERVED_ITEM_NAMES = (LOG_POPULARITY, NEVER_MET, CATEGORY)

#: The column of a text that is missing, or that the vocabulary lacks.
UNKNOWN = "?"


def planned_user_fields(views: Sequence[FeatureView]) -> tuple[UserField, ...]:
    """Returns the user fields that follow from the views, in order, with nothing in them yet that is learnt from data.

    An embedding becomes a number for each element, a sequence a categorical field for each place.
    """
    return tuple(
        UserField(
            name,
            "categorical" if isinstance(field, (CategoricalField, SequenceField)) else "number",
            vocabulary=declared_vocabulary(field),
            ttl_seconds=view.ttl_seconds,
            default=default,
        )
        for view, field in fields_of(views, "user")
        for name, default in zip(field.attribute_names or (field.name,), defaults(field), strict=True)
    )


def item_columns(field: FeatureField, vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Returns the names of the item features that a field becomes.

    A number becomes itself and, where no default stands in, a flag for missing; an embedding likewise, with a number for
    each element. A text becomes a 0/1 column for each word of the vocabulary and one for missing or unknown; a sequence
    the same, with a 1 for each of its texts.

    Args:
        field: Of an item view.
        vocabulary: Declared or learnt; of a text or a sequence.
    """
    if isinstance(field, (CategoricalField, SequenceField)):
        return tuple(f"{field.name}={text}" for text in (UNKNOWN, *vocabulary))
    numbers = places(field.name, field.width) if isinstance(field, EmbeddingField) else (field.name,)
    return numbers if field.default is not None else (*numbers, f"{field.name} missing")


def declared_vocabulary(field: FeatureField) -> tuple[str, ...]:
    """Returns the texts that a field is declared to know; empty where they are learnt, and of numbers."""
    return () if isinstance(field, (FloatField, IntField, EmbeddingField)) else field.vocabulary
