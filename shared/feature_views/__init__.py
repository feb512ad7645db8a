"""Feature views: one typed declaration of a data set's features, for training and serving alike."""

from shared.feature_views.declaration import FEATURES_FILE, ViewsRefused, parse_views, read_views
from shared.feature_views.fields import (
    CategoricalField,
    Counter,
    EmbeddingField,
    FeatureField,
    FloatField,
    IntField,
    SequenceField,
    defaults,
    kind_of,
    places,
)
from shared.feature_views.toml_text import to_toml
from shared.feature_views.views import DERIVED, Entity, FeatureView, attributes_with, counters_of, digest, fields_of

__all__ = [
    "DERIVED",
    "FEATURES_FILE",
    "CategoricalField",
    "Counter",
    "EmbeddingField",
    "Entity",
    "FeatureField",
    "FeatureView",
    "FloatField",
    "IntField",
    "SequenceField",
    "ViewsRefused",
    "attributes_with",
    "counters_of",
    "defaults",
    "digest",
    "fields_of",
    "kind_of",
    "parse_views",
    "places",
    "read_views",
    "to_toml",
]
