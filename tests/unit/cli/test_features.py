"""`winnow features` on small data sets and snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from shared.feature_views import FeatureView, FloatField, parse_views, to_toml
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import VIEWS, build_snapshot
from tests.unit.cli.invocation import Outcome, winnow

ITEMS = """
{"id":"b-1","title":"One","attributes":{"pages":120,"form":"paper","cover":[0.1,0.2]},"updated_at":"2026-05-01T00:00:00Z"}
{"id":"b-2","title":"Two","attributes":{"pages":88.5,"form":"stone","cover":[0.1]},"updated_at":"2026-04-01T00:00:00Z"}
"""
USERS = """
{"id":"u-1","attributes":{"age":42,"next":["b-1","b-9"]}}
{"id":"u-2","attributes":{"age":"old"}}
"""
EVENTS = """
{"user_id":"u-1","item_id":"b-1","timestamp":"2026-05-04T17:31:05Z","type":"like"}
{"user_id":"u-2","item_id":"b-1","timestamp":"2026-05-04T17:31:06Z"}
"""
WELL = """
[[views]]
name = "demand"
entity = "item"
fields = [{ name = "likes", kind = "float", counter = { events = ["like"], half_life = "7d" } }]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set without a declaration."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("items", ITEMS), ("users", USERS), ("events", EVENTS)):
        (folder / f"{name}.jsonl").write_text(text)
    return folder


def declare(folder: Path, entity: str, *fields: str, view: str = "") -> None:
    """Writes a declaration of one view `v` with these fields, inline tables without their braces."""
    listed = ", ".join(f"{{ {field} }}" for field in fields)
    (folder / "features.toml").write_text(f'[[views]]\nname = "v"\nentity = "{entity}"\n{view}\nfields = [{listed}]\n')


def check(folder: Path, *arguments: str) -> Outcome:
    """Runs `winnow features check` on a data set."""
    return winnow("features", "check", "--data", str(folder), *arguments)


def test_views_that_follow_from_the_data_are_shown_as_a_declaration_of_them(data: Path) -> None:
    """What is shown can be saved, and then is what is shown."""
    shown = winnow("features", "show", "--data", str(data)).stdout
    (data / "features.toml").write_text(shown)

    assert [field.name for view in parse_views(shown) for field in view.fields] == ["age", "next", "cover", "pages"]
    assert winnow("features", "show", "--data", str(data)).stdout == shown


def test_one_view_is_shown_by_name(data: Path) -> None:
    """A name that is none is answered with those that are."""
    (data / "features.toml").write_text(WELL)

    assert winnow("features", "show", "demand", "--data", str(data)).stdout.startswith('[[views]]\nname = "demand"\n')
    outcome = winnow("features", "show", "profile", "--data", str(data))
    assert (outcome.exit_code, outcome.stderr) == (1, "winnow: There is no view 'profile'; there are: demand.\n")


def test_the_list_has_a_line_for_each_view(data: Path) -> None:
    """Whose it is, since when, for how long and for whose eyes."""
    declare(data, "user", 'name = "age", kind = "int"', view='owner = "accounts"\nttl = "36h"\nversion = 3')

    lines = winnow("features", "list", "--data", str(data)).stdout.splitlines()

    assert lines[1].split() == ["v", "user", "3", "accounts", "36h", "plain", "age"]


def test_views_that_nobody_declared_are_listed_as_such(data: Path) -> None:
    """They have no version to rely on."""
    lines = winnow("features", "list", "--data", str(data)).stdout.splitlines()

    assert lines[1].split()[:3] == ["user", "user", "derived"]


def test_the_views_of_the_current_snapshot_are_listed_by_default(tmp_path: Path) -> None:
    """And those of another by its name."""
    build_snapshot(tmp_path, "s-1", items=10, views=VIEWS)
    build_snapshot(tmp_path, "s-2", items=10, views=VIEWS[:1])

    def names(*arguments: str) -> list[str]:
        return [
            view["name"]
            for view in json.loads(winnow("features", "list", "--json", "--root", str(tmp_path), *arguments).stdout)
        ]

    assert names() == ["person"]
    assert names("--snapshot", "s-1") == ["person", "film"]


def test_a_snapshot_from_before_there_were_views_says_so(tmp_path: Path) -> None:
    """Rather than printing nothing."""
    build_snapshot(tmp_path, "s-1", items=10)

    outcome = winnow("features", "list", "--root", str(tmp_path))

    assert outcome.exit_code == 1
    assert "Snapshot s-1 names no feature views" in outcome.stderr


def test_a_declaration_that_holds_is_status_zero(data: Path) -> None:
    """With what the data have of each field, and what nobody declared."""
    (data / "features.toml").write_text(WELL)

    outcome = check(data)

    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines()[1].split() == ["demand", "likes", "float", "50.0%", "0", "0", "0"]
    assert "attributes of users that no view declares: age, next[0], next[1]" in outcome.stdout
    assert "everything that is declared holds" in outcome.stdout


@pytest.mark.parametrize(
    ("entity", "field", "problem"),
    [
        ("user", 'name = "age", kind = "int"', "view v, field age: 1 of 2 users have no int, such as u-2 has 'old'"),
        ("item", 'name = "pages", kind = "int"', "view v, field pages: 1 of 2 items have no int, such as b-2 has 88.5"),
        ("item", 'name = "pages", kind = "categorical"', "field pages: 2 of 2 items have no categorical, such as b-1 has 120"),
        ("item", 'name = "cover", kind = "embedding", width = 2', "cover: 1 of 2 items have no embedding, such as b-2 has 0.1"),
        ("item", 'name = "cover", kind = "embedding", width = 1', "cover: 1 of 2 items have no embedding, such as b-1 has 0.1"),
        ("user", 'name = "agee", kind = "int"', "view v, field agee: no user has it; mend the name, or remove the field"),
        (
            "item", 'name = "form", kind = "categorical", vocabulary = ["paper"]',
            "view v, field form: 50.0% of the values are not in the vocabulary, more than 1.0%",
        ),
        (
            "user", 'name = "next", kind = "sequence", length = 2, of = "item"',
            "view v, field next: 100.0% of the values name an item that is not there, more than 1.0%",
        ),
        (
            "item", 'name = "bought", kind = "float", counter = { events = ["purchase"], half_life = "7d" }',
            "view v, field bought: no item has it",
        ),
        (
            "user", 'name = "busy", kind = "float", counter = { events = ["like", "dwell"], half_life = "30d" }',
            "view v, field busy counts dwells, once each in training and by the minute when served",
        ),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named_with_its_view_and_field(data: Path, entity: str, field: str, problem: str) -> None:
    """Status 1, so that a pipeline stops."""
    declare(data, entity, field)

    outcome = check(data)

    assert outcome.exit_code == 1
    assert problem in outcome.stdout
    assert outcome.stderr == f"winnow: 1 of what {data} declares does not hold; see above.\n"


def test_values_that_have_expired_are_counted_as_of_the_newest_event(data: Path) -> None:
    """One of two items was updated more than ten days before it."""
    declare(data, "item", 'name = "form", kind = "categorical"', view='ttl = "10d"')

    assert check(data).exit_code == 0
    outcome = check(data, "--max-expired", "0.4")
    assert outcome.exit_code == 1
    assert "view v, field form: 50.0% of the values have expired, more than 40.0%" in outcome.stdout


def test_how_much_is_still_well_can_be_chosen(data: Path) -> None:
    """A field that half have is well until more is asked."""
    declare(data, "user", 'name = "next", kind = "sequence", length = 1, of = "item"')

    assert check(data).exit_code == 0
    assert "that no view declares: age\n" in check(data).stdout
    assert "field next: 50.0% of the users have it, less than 80.0%" in check(data, "--min-coverage", "0.8").stdout


def test_a_check_is_there_for_programs(data: Path) -> None:
    """The counts of each field, problems and remarks; the status is the same."""
    declare(data, "user", 'name = "age", kind = "int"')

    outcome = check(data, "--json")
    told = json.loads(outcome.stdout)

    assert outcome.exit_code == 1
    assert (told["fields"][0]["present"], told["fields"][0]["wrong"], told["fields"][0]["entities"]) == (1, 1, 2)
    assert len(told["problems"]) == 1


def test_what_pseudonymous_does_not_do_is_said(data: Path) -> None:
    """Who believes that the suite hashes values would store them in the clear."""
    declare(data, "user", 'name = "next", kind = "sequence", length = 2', view='sensitivity = "pseudonymous"')

    remarks = json.loads(check(data, "--json").stdout)["remarks"]

    expected = (
        "pseudonymous attributes are stored and logged as they are sent, not hashed; send pseudonyms: next[0], next[1]"
    )
    assert expected in remarks


def test_a_declaration_that_cannot_be_read_is_told_with_its_place(data: Path) -> None:
    """File, view, field and what is allowed."""
    declare(data, "user", 'name = "age", kind = "number"')

    outcome = check(data)

    assert outcome.exit_code == 1
    assert (
        f"{data / 'features.toml'}: view v: field age: kind is 'number'; it must be one of float, int,"
        in outcome.stderr
    )


def test_a_snapshot_with_the_same_views_is_well(data: Path, tmp_path: Path) -> None:
    """Whatever the data have of them."""
    (data / "features.toml").write_text(to_toml(VIEWS))

    assert [problem for problem in against(data, tmp_path, VIEWS) if problem.startswith("snapshot")] == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"version": 2}, "snapshot s-1: view demand is version 2 in it and 1 in the declaration; train again"),
        ({"name": "offer"}, "snapshot s-1: it lacks view demand; train again"),
        ({"name": "offer"}, "snapshot s-1: view offer is not declared any more; train again"),
        (
            {"fields": (FloatField("likes"),)},
            "view demand version 1 is another one: field likes: counter was None and is {'events': ('like',)",
        ),
    ],
)
def test_a_snapshot_with_other_views_is_told(
    data: Path, tmp_path: Path, changed: dict[str, object], problem: str
) -> None:
    """Which view, what differs, and what to do."""
    (data / "features.toml").write_text(WELL)
    (view,) = parse_views(WELL)

    assert any(problem in told for told in against(data, tmp_path, (msgspec.structs.replace(view, **changed),)))


def against(data: Path, root: Path, views: tuple[FeatureView, ...]) -> list[str]:
    """Returns the problems of a data set beside a current snapshot that was trained on other views."""
    snapshots = root / "snapshots"
    build_snapshot(snapshots, "s-1", items=10, views=views)
    assert SnapshotRepository(snapshots).current() == "s-1"
    outcome = check(data, "--snapshot", "current", "--root", str(snapshots), "--json")
    problems: list[str] = json.loads(outcome.stdout)["problems"]
    return problems
