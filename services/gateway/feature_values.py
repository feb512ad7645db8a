"""The features that the models saw, by name, with whence each is."""

from collections.abc import Sequence

from services.gateway.degradation import Stage
from services.gateway.explanation import FeatureValue
from services.gateway.inspection import ItemFeatures
from services.gateway.neighbours import UserFields, ValueState
from services.gateway.query import RecommendQuery
from services.gateway.snapshot import GatewaySnapshot
from services.gateway.trace import Trace
from shared.features import UserField


def user_feature_values(snapshot: GatewaySnapshot, query: RecommendQuery, trace: Trace) -> list[FeatureValue]:
    """Returns the user's declared fields in the order of the feature schema.

    Where the feature store answered without telling whence values are, what did not come with the request stays open.
    Where it was not asked, or did not answer, the models saw the request's attributes and defaults.
    """
    degraded = {one.stage for one in trace.answer.degradations}
    answered = bool(query.user_id) and Stage.USER_FEATURES not in degraded
    fields = trace.user.fields
    return [
        _told(field, place, fields, query) if fields is not None else _untold(field, query, answered)
        for place, field in enumerate(snapshot.manifest.feature_schema.user_fields)
    ]


def item_feature_values(names: Sequence[str], stored: ItemFeatures, position: int) -> list[FeatureValue]:
    """Returns one item's features in the order of the feature schema."""
    values = stored.features[position].tolist()
    if stored.states is None:
        return [FeatureValue(name, value) for name, value in zip(names, values, strict=True)]
    return [
        # What nobody wrote is the snapshot's own: it is there, and no default stands in for it.
        FeatureValue(name, value, ValueState.PRESENT)
        if state is ValueState.DEFAULT
        else FeatureValue(name, value, state, age)
        for name, value, state, age in zip(
            names, values, stored.states.states[position], stored.states.ages[position], strict=True
        )
    ]


def _told(field: UserField, place: int, fields: UserFields, query: RecommendQuery) -> FeatureValue:
    state = fields.states[place]
    if state is ValueState.DEFAULT:
        return FeatureValue(field.name, field.default, state)
    age = None if field.name in query.attributes else float(fields.ages[place])
    if state is ValueState.EXPIRED:
        return FeatureValue(field.name, field.default, state, age)
    return FeatureValue(field.name, fields.values.get(field.name), state, age)


def _untold(field: UserField, query: RecommendQuery, answered: bool) -> FeatureValue:
    value = query.attributes.get(field.name)
    of_the_type = isinstance(value, str) == (field.kind == "categorical")  # of another it counts as missing
    if value is not None and of_the_type:
        return FeatureValue(field.name, value, ValueState.PRESENT)
    return FeatureValue(field.name, None) if answered else FeatureValue(field.name, field.default, ValueState.DEFAULT)
