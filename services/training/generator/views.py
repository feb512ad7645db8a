"""The feature views of the generated data set."""

from services.training.generator.readers import REGIONS
from shared.feature_views import CategoricalField, FeatureView, IntField

GENERATED_VIEWS = (
    FeatureView(
        name="reader",
        entity="user",
        owner="registration",
        description="What readers say about themselves; some leave a field empty.",
        fields=(IntField("age"), CategoricalField("region", vocabulary=tuple(sorted(REGIONS)))),
    ),
    FeatureView(
        name="book",
        entity="item",
        owner="catalogue",
        description="What is printed in a book.",
        fields=(IntField("pages"), IntField("year")),
    ),
)
