"""The catalogue of a snapshot."""

from services.training.catalogue import catalogue_of
from services.training.datasets import Item
from shared.feature_views import EmbeddingField, FeatureView, IntField, SequenceField


def test_the_places_of_embeddings_and_sequences_are_no_facts_to_filter_by() -> None:
    """All else is there, declared or not."""
    fields = (EmbeddingField(name="cover", width=2), SequenceField(name="cast", length=1), IntField("year"))
    attributes: dict[str, str | float] = {
        "cover[0]": 0.1,
        "cover[1]": 0.2,
        "cast[0]": "Al",
        "year": 1990.0,
        "language": "en",
        "other[0]": 1.0,
    }

    (item,) = catalogue_of(
        [Item("a", "A", ("Drama",), "Text", attributes)], [FeatureView(name="film", entity="item", fields=fields)]
    )

    assert (item.id, item.title, item.categories) == ("a", "A", ("Drama",))
    assert item.attributes == {"year": 1990.0, "language": "en", "other[0]": 1.0}
