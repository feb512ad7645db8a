"""From a real log to training sets and examples, as a person would make them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from shared.event_log import EventLog
from shared.events import EventType
from shared.user_ids import UserIds
from tests.unit.cli.invocation import winnow
from tests.unit.training.offline.records import attributes, event, exposure

_VIEWS = """
[[views]]
name = "profile"
entity = "user"
ttl = "10s"

[[views.fields]]
name = "region"
kind = "categorical"
default = "nowhere"

[[views]]
name = "activity"
entity = "user"

[[views.fields]]
name = "clicks"
kind = "float"
counter = { events = ["click"], half_life = "1s" }
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log as the feature store writes it."""
    with EventLog(tmp_path / "log", sync=False) as writer:
        writer.append([
            attributes("u1", {"region": "Old Town"}, 1_000),
            event("u1", "a", 2_000, EventType.CLICK),
            exposure("r1", "u1", 3_000, ["b", "c"], [0.5, 1.0]),
            event("u1", "b", 3_000 + 3_600_000, EventType.CLICK),
        ])  # fmt: skip
    return tmp_path / "log"


def test_a_log_becomes_a_training_set(tmp_path: Path, log: Path) -> None:
    """Backfill, then build from a declaration: values of the moment, the default once they have expired, and counts that have faded."""
    (tmp_path / "features.toml").write_text(_VIEWS)
    offline, out = str(tmp_path / "offline"), tmp_path / "set.parquet"

    backfilled = winnow("features", "backfill", "--log", str(log), "--out", offline)
    built = winnow(
        "features", "build", "--offline", offline, "--views", str(tmp_path), "--out", str(out), "--history", "5"
    )

    assert backfilled.stdout.startswith("4 records taken: 2 events")
    assert (built.exit_code, built.stdout) == (0, f"2 rows written to {out}.\n")
    rows = pl.read_parquet(out).select("item_id", "profile.region", "activity.clicks", "history").rows()
    assert rows == [("a", "Old Town", None, []), ("b", "nowhere", 0.0, ["a"])]


def test_a_log_becomes_examples_in_one_step(tmp_path: Path, log: Path) -> None:
    """Without a store that has to be kept, and with a window of one's own."""
    out = tmp_path / "examples.parquet"
    for window, clicks in (("24h", 1), ("30m", 0)):
        outcome = winnow("examples", "build", "--log", str(log), "--out", str(out), "--window", window, "--json")
        assert json.loads(outcome.stdout) == {"examples": 2, "file": str(out)}
        rows = pl.read_parquet(out)
        assert rows["click"].to_list() == [clicks, 0]
        assert rows["propensity"].to_list() == [0.5, 1.0]


def test_a_second_backfill_takes_what_is_new(tmp_path: Path, log: Path) -> None:
    """It may run every hour."""
    arguments = ("features", "backfill", "--log", str(log), "--out", str(tmp_path / "offline"), "--json")
    first = json.loads(winnow(*arguments).stdout)
    with EventLog(log, sync=False) as writer:
        writer.append([event("u2", "a", 5_000)])
    second = json.loads(winnow(*arguments).stdout)
    assert (first["records"], second["records"], second["start"]) == (4, 1, first["end"])
    assert second["rows"] == {"events": 1}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("features", "backfill", "--log", "nothing", "--out", "x"), 1, "There is no log in nothing."),
        (("features", "build", "--offline", "nothing", "--views", "v", "--out", "x"), 1, "no offline store in nothing"),
        (("examples", "build", "--out", "x"), 2, "Name either"),
        (("examples", "build", "--log", "LOG", "--out", "x", "--window", "soon"), 2, "--window is 'soon'"),
        (("examples", "build", "--log", "LOG", "--out", "x", "--weights", "clap=1"), 2, "'clap=1' is no weight"),
        (("features", "build", "--offline", "OFFLINE", "--views", "v.toml", "--out", "x"), 1, "v.toml cannot be read"),
        (
            ("features", "build", "--offline", "OFFLINE", "--views", "VIEWS", "--out", "x", "--events", "clap"),
            2,
            "'clap' is no type of event",
        ),
    ],
)
def test_a_wrong_call_says_what_to_do(
    tmp_path: Path, log: Path, *, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    """One sentence, and the status that belongs to it."""
    (tmp_path / "features.toml").write_text(_VIEWS)
    places = {"LOG": str(log), "OFFLINE": str(tmp_path / "offline"), "VIEWS": str(tmp_path), "x": str(tmp_path / "x")}
    winnow("features", "backfill", "--log", str(log), "--out", places["OFFLINE"])
    outcome = winnow(*(places.get(argument, argument) for argument in arguments))
    assert outcome.exit_code == code
    assert sentence in outcome.stderr
    assert not (tmp_path / "x").exists()


def test_a_gap_that_retention_left_is_told(tmp_path: Path, log: Path) -> None:
    """Whoever backfills too seldom learns of it."""
    (segment,) = log.glob("*.log")
    segment.rename(log / f"{5_000:020}.log")
    outcome = winnow("features", "backfill", "--log", str(log), "--out", str(tmp_path / "offline"))
    assert "dropped by the log's retention" in outcome.stderr
    assert outcome.exit_code == 0


def test_users_that_are_stored_under_hashes_are_named_by_their_ids(tmp_path: Path) -> None:
    """With the key, labels and the user to forget are found; the ids themselves are nowhere."""
    key, offline = tmp_path / "key", str(tmp_path / "offline")
    key.write_text("a key of sixteen bytes or more\n")
    stored = UserIds("a key of sixteen bytes or more").stored("u1")
    with EventLog(tmp_path / "log", sync=False) as writer:
        writer.append([attributes(stored, {"region": "Old Town"}, 1_000)])
    (tmp_path / "features.toml").write_text(_VIEWS)
    (tmp_path / "labels.csv").write_text("user_id,item_id,at_ms\nu1,a,1500\n")
    winnow("features", "backfill", "--log", str(tmp_path / "log"), "--out", offline)
    out = tmp_path / "set.parquet"

    winnow(
        "features", "build", "--offline", offline, "--views", str(tmp_path), "--out", str(out),
        "--labels", str(tmp_path / "labels.csv"), "--user-id-key-file", str(key),
    )  # fmt: skip
    forgotten = winnow("features", "forget", "--offline", offline, "--user", "u1", "--user-id-key-file", str(key))

    assert pl.read_parquet(out).select("user_id", "profile.region").rows() == [(stored, "Old Town")]
    assert "1 attributes" in forgotten.stdout


def test_a_user_is_forgotten_and_the_others_stay(tmp_path: Path, log: Path) -> None:
    """No file of the store holds a row of theirs, and a later backfill does not bring them back."""
    offline = str(tmp_path / "offline")
    with EventLog(log, sync=False) as writer:
        writer.append([event("u2", "a", 5_000)])
    winnow("features", "backfill", "--log", str(log), "--out", offline)

    outcome = winnow("features", "forget", "--offline", offline, "--user", "u1", "--json")

    assert json.loads(outcome.stdout) == {"events": 2, "attributes": 1, "exposures": 1}
    winnow("features", "backfill", "--log", str(log), "--out", offline)
    left = [pl.read_parquet(path) for path in Path(offline).rglob("*.parquet")]
    assert [rows["user_id"].to_list() for rows in left if len(rows)] == [["u2"]]
