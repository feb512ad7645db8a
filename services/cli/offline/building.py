"""Building training sets and examples from what a person asks for."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from services.cli.failure import Failure
from services.cli.offline.failing import sentences
from services.cli.output import remarks
from services.training.offline.declared import features_of
from services.training.offline.examples import ExampleSet, build_examples
from services.training.offline.store import OfflineStore
from services.training.offline.training_set import TrainingSet, build, event_labels, read_labels
from services.training.progress import ProgressDisplay, Silence, display_for
from shared.events import EventType, EventWeights
from shared.feature_views import FEATURES_FILE, FeatureView, ViewsRefused, parse_views
from shared.feature_views.durations import parse_duration
from shared.user_ids import UserIds, read_key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants a training set of.

    Attributes:
        labels: A file of rows; None for the events.
        events: Names of the types that make rows.
        history: How many of the last items to add.
        states: Whether to add states and ages.
        weights: Of events in counters, as text.
        key_file: Holds the key by whose hashes the store has users; labels have them as they come.
    """

    labels: Path | None
    events: str
    history: int
    states: bool
    weights: str
    key_file: Path | None


def training_set(store: OfflineStore, views: Path, out: Path, wanted: Wanted) -> int:
    """Builds a training set and returns how many rows it has.

    Raises:
        Failure: the declaration, the labels or a choice cannot be used.
    """
    features = features_of(read_declaration(views), parse_weights(wanted.weights))
    with sentences():
        if wanted.labels:
            source = _stored(read_labels(wanted.labels), wanted.key_file)
        else:
            source = event_labels(store, parse_types(wanted.events))
        return build(store, source, TrainingSet(features, wanted.history, wanted.states), out, _display())


def _stored(labels: pl.LazyFrame, key_file: Path | None) -> pl.LazyFrame:
    """Labels with the users' ids as the store has them."""
    if key_file is None:
        return labels
    try:
        ids = UserIds(read_key("", key_file))
    except ValueError as error:
        raise Failure(f"The user id key cannot be used: {error}.", exit_code=2) from error
    return labels.with_columns(pl.col("user_id").map_elements(ids.stored, return_dtype=pl.String))


def examples(store: OfflineStore, out: Path, *, window: str, history: int, weights: str) -> int:
    """Builds training examples and returns how many there are.

    Raises:
        Failure: a choice cannot be used.
    """
    try:
        window_ms = int(parse_duration(window) * 1000)
    except ValueError as error:
        raise Failure(f"--window {error}.", exit_code=2) from error
    with sentences():
        wanted = ExampleSet(window_ms=window_ms, history=history, weights=parse_weights(weights))
        return build_examples(store, wanted, out, _display())


def read_declaration(path: Path) -> tuple[FeatureView, ...]:
    """Reads feature views from a file, or from that of a data set's folder.

    Raises:
        Failure: there is none, or it says what is not allowed.
    """
    file = path / FEATURES_FILE if path.is_dir() else path
    try:
        return parse_views(file.read_text("utf-8"), file)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read. Name a declaration as docs/feature-views.md has them.") from error
    except ViewsRefused as error:
        raise Failure(f"{error}.") from error


def parse_types(text: str) -> frozenset[EventType]:
    """Reads names of event types such as `click,like`.

    Raises:
        Failure: a name is none.
    """
    try:
        return frozenset(EventType[name.strip().upper()] for name in text.split(","))
    except KeyError as error:
        names = ", ".join(kind.name.lower() for kind in EventType)
        raise Failure(f"{error.args[0].lower()!r} is no type of event; there are {names}.", exit_code=2) from error


def parse_weights(text: str) -> EventWeights:
    """Reads weights such as `like=4,impression=-0.1`.

    Raises:
        Failure: they are none.
    """
    try:
        return EventWeights.parse(text)
    except ValueError as error:
        raise Failure(f"{error}.", exit_code=2) from error


def _display() -> ProgressDisplay:
    console = remarks()
    return display_for(console, quiet=False) if console.is_terminal else Silence()
