"""Whether the features that a snapshot was trained on are those that its views declare."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from shared.feature_views.columns import (
    CATEGORY,
    LOG_POPULARITY,
    NEVER_MET,
    declared_vocabulary,
    item_columns,
    planned_user_fields,
)
from shared.feature_views.fields import CategoricalField, FeatureField, SequenceField
from shared.feature_views.views import FeatureView, digest, fields_of
from shared.features import UserField


def disagreements(
    views: Sequence[FeatureView],
    views_digest: str,
    user_fields: Sequence[UserField],
    item_features: Sequence[str],
    item_ttl_seconds: Sequence[float],
) -> list[str]:
    """Returns what does not follow from the views, a sentence each; nothing where all does, or where there are no views."""
    if not views:
        return []
    problems = [] if views_digest == digest(views) else ["views_digest is not that of the views"]
    problems += _of_users(planned_user_fields(views), user_fields)
    problems += _of_items(views, item_features, item_ttl_seconds)
    return problems


def changes(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Returns how one `FeatureView.definition` differs from another of the same view, a phrase each, fields by name."""
    found = [
        f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in ("entity", "ttl_seconds", "sensitivity")
        if old.get(key) != new.get(key)
    ]
    before, after = _fields(old), _fields(new)
    found += [f"field {name} was there and is gone" for name in before if name not in after]
    found += [f"field {name} is new" for name in after if name not in before]
    for name in before:
        keys = sorted({*before[name], *after.get(name, {})}) if name in after else []
        found += [
            f"field {name}: {key} was {before[name].get(key)!r} and is {after[name].get(key)!r}"
            for key in keys
            if before[name].get(key) != after[name].get(key)
        ]
    if not found and old != new:
        found.append("the fields are in another order")
    return found


def _of_users(planned: Sequence[UserField], actual: Sequence[UserField]) -> Iterator[str]:
    names, declared = [field.name for field in actual], [field.name for field in planned]
    if names != declared:
        yield f"user fields are {_listed(names)}; the views declare {_listed(declared)}"
        return
    for plan, field in zip(planned, actual, strict=True):
        learnt = msgspec.structs.replace(
            plan, mean=field.mean, deviation=field.deviation, vocabulary=plan.vocabulary or field.vocabulary
        )
        for key in UserField.__struct_fields__:
            if getattr(learnt, key) != getattr(field, key):
                yield f"user field {field.name}: {key} is {getattr(field, key)!r}; its view declares {getattr(learnt, key)!r}"


def _of_items(views: Sequence[FeatureView], names: Sequence[str], ttl_seconds: Sequence[float]) -> Iterator[str]:
    if ttl_seconds and len(ttl_seconds) != len(names):
        yield f"item_ttl_seconds has {len(ttl_seconds)} entries for {len(names)} item features"
        return
    place = sum(1 for name in names if name in {LOG_POPULARITY, NEVER_MET} or name.startswith(f"{CATEGORY}="))
    for view, field in fields_of(views, "item"):
        columns = item_columns(field, _vocabulary(field, names[place:]))
        found = tuple(names[place : place + len(columns)])
        if found != columns:
            yield f"item features have {_listed(found)} where view {view.name} declares {_listed(columns)}"
            return
        held = set(ttl_seconds[place : place + len(columns)]) or {0.0}
        if held != {view.ttl_seconds}:
            yield f"item_ttl_seconds of {field.name} is {min(held):g}; view {view.name} declares {view.ttl_seconds:g}"
        place += len(columns)
    if place != len(names):
        yield f"item features {_listed(names[place:])} are in no view"


def _vocabulary(field: FeatureField, names: Sequence[str]) -> tuple[str, ...]:
    """The declared vocabulary, or the one that was learnt, as the names of the columns tell it."""
    declared = declared_vocabulary(field)
    if declared or not isinstance(field, (CategoricalField, SequenceField)):
        return declared
    prefix = f"{field.name}="
    count = next((at for at, name in enumerate(names) if not name.startswith(prefix)), len(names))
    return tuple(name.removeprefix(prefix) for name in names[1:count])


def _fields(definition: Mapping[str, object]) -> dict[str, dict[str, object]]:
    fields = definition.get("fields")
    return fields if isinstance(fields, dict) else {}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
