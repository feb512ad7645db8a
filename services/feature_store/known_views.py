"""The feature views that a store has ever served, and what no later snapshot may do to them.

What is stored was written under some definition. A snapshot that gives the same view and version another one would read
the values as what they are not, and nobody would see an error: so it is refused until the version is raised.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from shared.feature_views import DERIVED, Entity, FeatureView, attributes_with, counters_of
from shared.feature_views.agreement import changes, disagreements
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest

Loaded = TypeVar("Loaded")
Load = Callable[[Path, Manifest], Loaded]


class DefinitionStore(Protocol):
    """Where the views are remembered, with the store that they describe. Called from the thread that loads snapshots."""

    def definitions(self) -> Mapping[str, bytes]:
        """Returns everything that was remembered, by key."""
        ...

    def remember(self, definitions: Mapping[str, bytes]) -> None:
        """Keeps these for good before it returns; one whose key is known stays as it was."""
        ...


class KnownViews:
    """Refuses snapshots whose features are not those of their views, or whose views are not those that the store knows.

    Args:
        store: Where views are remembered.
        counter_half_life_seconds: How the store counts what users do, for a user field that is counted must fade alike in
            training and here; 0 where it does not serve such fields.
    """

    def __init__(self, store: DefinitionStore, counter_half_life_seconds: float = 0.0) -> None:
        self._store = store
        self._half_life = counter_half_life_seconds
        self._views = {key: msgspec.json.decode(known, type=FeatureView) for key, known in store.definitions().items()}

    def guard(self, load: Load[Loaded]) -> Load[Loaded]:
        """Returns a load that first checks the views, and remembers them when the snapshot could be loaded."""

        def guarded(folder: Path, manifest: Manifest) -> Loaded:
            self.check(manifest)
            loaded = load(folder, manifest)
            self._remember(manifest.feature_schema.views)
            return loaded

        return guarded

    def check(self, manifest: Manifest) -> None:
        """Checks what a manifest says of views and features.

        Raises:
            SnapshotRefused: it names the view, the field, and what to do.
        """
        schema = manifest.feature_schema
        problems = disagreements(
            schema.views, schema.views_digest, schema.user_fields, schema.item_features, schema.item_ttl_seconds
        )
        if problems:
            advice = "its features do not follow from its feature views; train it again"
            raise SnapshotRefused(manifest.id, f"{advice}: {'; '.join(problems)}")
        for view in schema.views:
            self._check_definition(manifest.id, view)
            self._check_counters(manifest.id, view)

    def attributes_never_logged(self, entity: Entity) -> frozenset[str]:
        """Returns the attributes that may reach no log: of every view that was ever served, in any of its versions."""
        return attributes_with(tuple(self._views.values()), entity, "never_logged")

    def _check_definition(self, snapshot_id: str, view: FeatureView) -> None:
        known = self._views.get(_key(view))
        if known is None or known.definition() == view.definition():
            return
        raise SnapshotRefused(
            snapshot_id,
            f"view {view.name} version {view.version} is not what the store knows under that name and version: "
            f"{'; '.join(changes(known.definition(), view.definition()))}. Raise the view's version in features.toml and "
            f"train again",
        )

    def _check_counters(self, snapshot_id: str, view: FeatureView) -> None:
        for name, counter in counters_of([view], "user").items():
            if counter.half_life_seconds != self._half_life:
                serves = (
                    f"counts of users with a half-life of {self._half_life:g} s"
                    if self._half_life
                    else "no such counts"
                )
                raise SnapshotRefused(
                    snapshot_id,
                    f"view {view.name}, field {name} counts what users do with a half-life of "
                    f"{counter.half_life_seconds:g} s; the store serves {serves}. Change the field and train again",
                )

    def _remember(self, views: Sequence[FeatureView]) -> None:
        # A view that nobody declared follows from the data and promises nothing.
        new = {_key(view): view for view in views if view.version != DERIVED and _key(view) not in self._views}
        if new:
            self._store.remember({key: msgspec.json.encode(view) for key, view in new.items()})
            self._views = {**self._views, **new}


def _key(view: FeatureView) -> str:
    return f"{view.name}@{view.version}"
