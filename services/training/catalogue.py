"""The catalogue of a snapshot, from the items of a data set."""

from __future__ import annotations

from collections.abc import Sequence

from services.training.datasets import Item
from shared.feature_views import EmbeddingField, FeatureView, SequenceField, fields_of
from shared.snapshot.catalogue import Catalogue, CatalogueItem


def catalogue_of(items: Sequence[Item], views: Sequence[FeatureView]) -> Catalogue:
    """Returns the items as they are filtered and displayed: without the places of embeddings and sequences.

    Neither has a use for a thousand numbers, and every gateway holds the catalogue in memory.
    """
    places = {
        name
        for _, field in fields_of(views, "item")
        if isinstance(field, (EmbeddingField, SequenceField))
        for name in field.attribute_names
    }
    return Catalogue(
        CatalogueItem(
            item.id,
            item.title,
            item.categories,
            {name: value for name, value in item.attributes.items() if name not in places},
        )
        for item in items
    )
