"""The feature views that a store has ever served, and what no later snapshot may do to them.

What is stored was written under some definition. A snapshot that gives the same view and version another one would read
the values as what they are not, and nobody would see an error: so it is refused until the version is raised.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from shared.events import DWELL_UNIT_SECONDS, EventType, EventWeights
from shared.feature_views import DERIVED, Counter, FeatureView, counters_of
from shared.feature_views.agreement import changes, disagreements
from shared.snapshot.errors import SnapshotRefused
from shared.snapshot.manifest import Manifest

Loaded = TypeVar("Loaded")
Load = Callable[[Path, Manifest], Loaded]

#: What training counts with.
_TRAINED = EventWeights()


class DefinitionStore(Protocol):
    """Where the views are remembered, with the store that they describe. Called from the thread that loads snapshots."""

    def definitions(self) -> Mapping[str, bytes]:
        """Returns everything that was remembered, by key."""
        ...

    def remember(self, definitions: Mapping[str, bytes]) -> None:
        """Keeps these for good before it returns; one whose key is known stays as it was.

        From then on, no value of what a view declares as never logged reaches the log.
        """
        ...


class KnownViews:
    """Refuses snapshots whose features are not those of their views, or whose views are not those that the store knows.

    Args:
        store: Where views are remembered.
        counter_half_life_seconds: How the store counts what users do, for a user field that is counted must fade alike in
            training and here.
        weights: What events are worth here; training counts with the defaults.
    """

    def __init__(
        self, store: DefinitionStore, counter_half_life_seconds: float, weights: EventWeights = _TRAINED
    ) -> None:
        self._store = store
        self._half_life = counter_half_life_seconds
        self._weights = weights
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
            for problem in self._differences(counter):
                raise SnapshotRefused(snapshot_id, f"view {view.name}, field {name} counts what users do {problem}")

    def _differences(self, counter: Counter) -> Iterator[str]:
        """Yields why training and this store would not count the same."""
        if not math.isclose(counter.half_life_seconds, self._half_life, rel_tol=1e-9):
            yield (
                f"with a half-life of {counter.half_life_seconds:g} s; the store counts with one of {self._half_life:g} s "
                f"(FEATURE_STORE_COUNTER_HALF_LIFE_DAYS). Change the field and train again"
            )
        if EventType.DWELL in counter.types:
            yield (
                "by dwells, which training counts once each and the store by the minute. Leave dwell out of the field's "
                "events and train again"
            )
        for kind in counter.types:
            trained, here = (weights.of(kind, DWELL_UNIT_SECONDS) for weights in (_TRAINED, self._weights))
            if trained != here:
                yield (
                    f"with {kind.name.lower()}={trained:g}, as training does; FEATURE_STORE_EVENT_WEIGHTS says {here:g}. "
                    f"Leave {kind.name.lower()} out of that setting, or out of the field's events and train again"
                )

    def _remember(self, views: Sequence[FeatureView]) -> None:
        # A view that nobody declared follows from the data and promises nothing.
        new = {_key(view): view for view in views if view.version != DERIVED and _key(view) not in self._views}
        if new:
            self._store.remember({key: msgspec.json.encode(view) for key, view in new.items()})
            self._views = {**self._views, **new}


def _key(view: FeatureView) -> str:
    return f"{view.name}@{view.version}"
