"""Training sets against the oracle."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.training.offline.backfill import backfill
from services.training.offline.errors import OfflineStoreError
from services.training.offline.features import Counted, Feature, Written
from services.training.offline.store import OfflineStore
from services.training.offline.training_set import LABEL_COLUMNS, TrainingSet, build, event_labels, read_labels
from services.training.progress import Silence
from shared.event_log.records import EventRecord, Record
from shared.events import HISTORY_TYPES, EventType
from tests.unit.training.offline.oracle import expected, expected_history
from tests.unit.training.offline.random_histories import (
    HALF_LIFE_MS,
    random_features,
    random_history,
    random_id,
    random_time,
)
from tests.unit.training.offline.records import attributes, event, item, item_features, log_of

Label = tuple[str, str, int]


def _stored(folder: Path, records: Sequence[Record]) -> OfflineStore:
    store = OfflineStore(folder, part_rows=50)
    backfill(store, log_of(records), batch_rows=40)
    return store


def _labels(rows: Sequence[Label]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=LABEL_COLUMNS, orient="row")


def _built(folder: Path, records: Sequence[Record], labels: Sequence[Label], wanted: TrainingSet) -> pl.DataFrame:
    store = _stored(folder / "store", records)
    out = folder / "set.parquet"
    assert build(store, _labels(labels).with_columns(label=pl.int_range(pl.len())), wanted, out, Silence()) == len(
        labels
    )
    return pl.read_parquet(out).sort("label")


def _compare(
    built: pl.DataFrame,
    records: Sequence[Record],
    labels: Sequence[Label],
    wanted: TrainingSet,
    *,
    tolerance: float = 0.0,
) -> int:
    """Compares every value with the oracle's, counters within `tolerance` of their terms; returns how many."""
    compared = 0
    for feature in wanted.features:
        columns = [built[feature.column], built[f"{feature.column}:state"], built[f"{feature.column}:age_ms"]]
        for label, *found in zip(labels, *(column.to_list() for column in columns), strict=True):
            value, state, age = expected(records, feature, *label)
            assert found[1:] == [state, age], (feature, label)
            if isinstance(value, Fraction) and tolerance:
                assert float(abs(Fraction(found[0]) - value)) <= tolerance, (feature, label)
            else:
                assert found[0] == value, (feature, label)
            compared += 3
    for (user, _, at), history in zip(labels, built["history"].to_list(), strict=True):
        assert history == expected_history(records, user, at, wanted.history)
        compared += 1
    return compared


def test_a_thousand_random_histories_equal_the_oracle_exactly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No value is from the future, none has expired, none is missing, and none is off by a bit."""
    histories_a_store, compared = 25, 0
    for seed in range(40):
        draw = random.Random(seed)  # noqa: S311 - a test repeats itself
        prefixes = [f"h{number}-" for number in range(histories_a_store)]
        apart = {prefix: random_history(draw, prefix, draw.randrange(60)) for prefix in prefixes}
        together = [(prefix, record) for prefix, records in apart.items() for record in records]
        # The log has all of them mixed, each in its own order.
        order = sorted(range(len(together)), key=lambda place: (together[place][0], place))
        turns = [together[place][0] for place in draw.sample(order, len(order))]
        queues = {prefix: iter(records) for prefix, records in apart.items()}
        log = [next(queues[prefix]) for prefix in turns]
        labels = [
            (random_id(draw, prefix, "u"), random_id(draw, prefix, "i"), random_time(draw))
            for prefix in prefixes
            for _ in range(4)
        ]
        wanted = TrainingSet(random_features(draw), history=3, states=True, slice_rows=draw.choice([40, 10_000]))
        built = _built(tmp_path / str(seed), log, labels, wanted)
        for start, prefix in enumerate(prefixes):
            mine = slice(4 * start, 4 * start + 4)
            compared += _compare(built[mine], apart[prefix], labels[mine], wanted)
    with capsys.disabled():
        print(f"\n1,000 random histories: {compared:,} values equal the oracle's")  # noqa: T201 - the acceptance wants it
    assert compared == 1_000 * 4 * (7 * 3 + 1)


_AT = st.one_of(st.integers(1, 20), st.integers(1, 4_102_444_800_000))
_USER, _ITEM = st.sampled_from(["u0", "u1"]), st.sampled_from(["i0", "i1"])
_NUMBER = st.floats(-1e6, 1e6)
_VALUE = st.one_of(_NUMBER, st.text(max_size=3))


@st.composite
def _any_event(draw: st.DrawFn) -> EventRecord:
    kind, at = draw(st.sampled_from(EventType)), draw(_AT)
    dwell = draw(st.floats(0.001, 86_400)) if kind == EventType.DWELL else 0.0
    return event(draw(_USER), draw(_ITEM), at, kind, dwell=dwell)


_RECORD = st.one_of(
    _any_event(),
    st.builds(attributes, _USER, st.dictionaries(st.sampled_from(["age", "region"]), _VALUE, max_size=2), _AT),
    st.builds(item_features, _ITEM, st.dictionaries(st.just("year"), _NUMBER, max_size=1), _AT),
    st.builds(item, _ITEM, _AT, withdrawn=st.booleans(), year=_VALUE, shape=_VALUE),
)
_TTL = st.one_of(st.just(0.0), st.floats(1, 1e12))
_WEIGHTS = st.dictionaries(st.sampled_from(EventType), st.floats(-5, 5), min_size=1)
_HALF_LIFE = st.floats(0.5, 1e10)
_FEATURES = st.tuples(
    st.builds(Written, st.just("a"), st.just("user"), st.just("age"), st.just("number"), _TTL, st.none() | _NUMBER),
    st.builds(Written, st.just("r"), st.just("user"), st.just("region"), st.just("text"), _TTL, st.none() | st.text()),
    st.builds(Written, st.just("y"), st.just("item"), st.just("year"), st.just("number"), _TTL, st.none() | _NUMBER),
    st.builds(
        Written, st.just("w"), st.just("item"), st.just("year"), st.just("number"), _TTL, st.none(),
        st.just("item_features"),
    ),
    st.builds(Counted, st.just("c"), st.just("user"), _WEIGHTS, _HALF_LIFE, _TTL, st.none() | _NUMBER),
    st.builds(Counted, st.just("h"), st.just("item"), _WEIGHTS, _HALF_LIFE, _TTL, st.none() | _NUMBER),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(_RECORD, max_size=25),
    labels=st.lists(st.tuples(_USER, _ITEM, _AT), min_size=1, max_size=6),
    features=_FEATURES,
    slice_rows=st.sampled_from([3, 1_000]),
)
def test_any_history_equals_the_oracle(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[Record],
    labels: list[Label],
    features: tuple[Feature, ...],
    slice_rows: int,
) -> None:
    """At any times, with any half-life: counters within 1e-9 of their largest possible sum, all else exactly."""
    wanted = TrainingSet(features, history=2, states=True, slice_rows=slice_rows)
    built = _built(tmp_path_factory.mktemp("any"), records, labels, wanted)
    _compare(built, records, labels, wanted, tolerance=1e-9 * 25 * len(records) + 1e-300)


def test_a_label_for_every_event_does_not_know_its_own_event(tmp_path: Path) -> None:
    """What is to be predicted is in no feature of its own row."""
    clicks = [event("u", f"i{number}", 1_000 * number, EventType.CLICK) for number in range(1, 4)]
    shown = event("u", "i9", 2_500, EventType.IMPRESSION)
    store = _stored(tmp_path / "store", [*clicks, shown])
    counter = Counted("u.clicks", "user", {EventType.CLICK: 1.0}, HALF_LIFE_MS)

    build(store, event_labels(store), TrainingSet((counter,), history=5), tmp_path / "set.parquet", Silence())

    built = pl.read_parquet(tmp_path / "set.parquet")
    assert built.rows(named=True) == [
        {"user_id": "u", "item_id": item_id, "type": 2, "dwell_seconds": 0.0, "at_ms": at, "u.clicks": clicks_before,
         "history": history}
        for item_id, at, clicks_before, history in [
            ("i1", 1_000, None, []), ("i2", 2_000, 0.5, ["i1"]), ("i3", 3_000, 0.75, ["i1", "i2"]),
        ]
    ]  # fmt: skip


def test_labels_from_files_keep_their_other_columns(tmp_path: Path) -> None:
    """Whoever brings labels finds them again, in any of three formats."""
    rows = pl.DataFrame({"user_id": ["u"], "item_id": ["i"], "at_ms": [5_000], "bought": [True]})
    rows.write_parquet(tmp_path / "l.parquet")
    rows.write_csv(tmp_path / "l.csv")
    rows.write_ndjson(tmp_path / "l.jsonl")
    store = _stored(tmp_path / "store", [attributes("u", {"age": 3}, 4_000)])
    wanted = TrainingSet((Written("u.age", "user", "age", "number"),))
    for name in ("l.parquet", "l.csv", "l.jsonl"):
        build(store, read_labels(tmp_path / name), wanted, tmp_path / "out.parquet", Silence())
        assert pl.read_parquet(tmp_path / "out.parquet").rows() == [("u", "i", 5_000, True, 3.0)]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [("l.txt", "", "Name it after"), ("l.csv", "user_id,item_id\nu,i\n", "no column at_ms"), ("no.csv", None, "read")],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, name: str, content: str | None, problem: str) -> None:
    """The message says what is wrong with the file."""
    if content is not None:
        tmp_path.joinpath(name).write_text(content)
    with pytest.raises(OfflineStoreError, match=problem):
        read_labels(tmp_path / name)


def test_no_label_makes_an_empty_training_set_with_its_columns(tmp_path: Path) -> None:
    """Whoever reads it finds what was asked for, of nobody."""
    store = OfflineStore(tmp_path / "store")
    wanted = TrainingSet(random_features(random.Random(0)), history=3)  # noqa: S311 - a test repeats itself

    assert build(store, event_labels(store, HISTORY_TYPES), wanted, tmp_path / "set.parquet", Silence()) == 0

    assert {feature.column for feature in wanted.features} < set(pl.read_parquet(tmp_path / "set.parquet").columns)


def test_labels_with_a_column_of_the_same_name_are_refused(tmp_path: Path) -> None:
    """Nobody's column is overwritten."""
    labels = _labels([("u", "i", 1)]).with_columns(history=pl.lit("mine"))
    with pytest.raises(OfflineStoreError, match="'history' already"):
        build(OfflineStore(tmp_path / "store"), labels, TrainingSet((), history=3), tmp_path / "set.parquet", Silence())
