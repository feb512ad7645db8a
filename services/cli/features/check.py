"""Checking a declaration against the data that it is of, and against a snapshot that was trained on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from services.cli.failure import Failure
from services.cli.features.sources import read_dataset, read_manifest
from services.cli.output import console, print_json
from services.training.datasets import Dataset
from services.training.view_coverage import FieldCoverage, measure_fields, undeclared_attributes
from shared.events import EventType
from shared.feature_views import DERIVED, FeatureView, FloatField, attributes_with, kind_of
from shared.feature_views.agreement import changes, disagreements
from shared.snapshot.manifest import FeatureSchema

#: Stands for the snapshot that is served.
CURRENT = "current"


@dataclass(frozen=True)
class Tolerance:
    """What is still well, in shares from 0 to 1.

    Attributes:
        coverage: The least share of users or items that must have a field. Nobody at all is never well.
        outside: The largest share of present values that a declared vocabulary may lack.
        expired: The largest share of present values that may have outlived their time to live.
    """

    coverage: float
    outside: float
    expired: float


def check(data: Path, tolerance: Tolerance, root: Path, snapshot_id: str | None, as_json: bool) -> None:
    """Prints what the data have of each field, and every problem.

    Args:
        data: Folder of the data set.
        tolerance: What is still well.
        root: Folder of the snapshots.
        snapshot_id: The snapshot to compare with, `current` for the one that is served; none when None.
        as_json: Whether for programs.

    Raises:
        Failure: there is a problem, or the data set or the snapshot cannot be read.
    """
    dataset = read_dataset(data)
    measured = measure_fields(dataset)
    problems = [problem for one in measured for problem in field_problems(one, dataset, tolerance)]
    if snapshot_id is not None:
        manifest = read_manifest(root, "" if snapshot_id == CURRENT else snapshot_id)
        found = snapshot_problems(dataset.views(), manifest.feature_schema)
        problems += [f"snapshot {manifest.id}: {problem}" for problem in found]
    remarks = list(_remarks(dataset))
    if as_json:
        print_json({"fields": [_as_json(one) for one in measured], "problems": problems, "remarks": remarks})
    else:
        _print(measured, problems, remarks)
    if problems:
        raise Failure(f"{len(problems)} of what {data} declares does not hold; see above.")


def field_problems(one: FieldCoverage, dataset: Dataset, tolerance: Tolerance) -> Iterator[str]:
    """Yields what is wrong with a field, naming its view, it and what to do."""
    place = f"view {one.view.name}, field {one.field.name}"
    counter = one.field.counter if isinstance(one.field, FloatField) else None
    if counter is not None and not dataset.interactions.timed:
        yield f"{place} is counted, but the events have no times; bring times, or remove the field"
    elif counter is not None and one.view.entity == "user" and EventType.DWELL in counter.types:
        yield f"{place} counts dwells, once each in training and by the minute when served; leave dwell out of its events"
    elif one.wrong:
        yield (
            f"{place}: {one.wrong} of {one.entities} {one.view.entity}s have no {kind_of(one.field)}, such as {one.example}"
        )
    elif not one.present:
        yield f"{place}: no {one.view.entity} has it; mend the name, or remove the field"
    elif one.coverage < tolerance.coverage:
        yield f"{place}: {one.coverage:.1%} of the {one.view.entity}s have it, less than {tolerance.coverage:.1%}"
    if one.outside > tolerance.outside * one.present:
        what = (
            "name an item that is not there"
            if not getattr(one.field, "vocabulary", ())
            else "are not in the vocabulary"
        )
        yield f"{place}: {one.outside / one.present:.1%} of the values {what}, more than {tolerance.outside:.1%}"
    if one.expired > tolerance.expired * one.present:
        yield f"{place}: {one.expired / one.present:.1%} of the values have expired, more than {tolerance.expired:.1%}"


def snapshot_problems(views: Sequence[FeatureView], schema: FeatureSchema) -> Iterator[str]:
    """Yields how a snapshot's views differ from a declaration, and its features from its own views."""
    trained = {view.name: view for view in schema.views}
    for view in views:
        known = trained.pop(view.name, None)
        if known is None:
            yield f"it lacks view {view.name}; train again"
        elif known.version != view.version:
            yield f"view {view.name} is version {known.version} in it and {view.version} in the declaration; train again"
        elif known.definition() != view.definition():
            differences = "; ".join(changes(known.definition(), view.definition()))
            remedy = "" if view.version == DERIVED else "raise the version and "
            yield f"view {view.name} version {view.version} is another one: {differences}; {remedy}train again"
    for name in trained:
        yield f"view {name} is not declared any more; train again"
    yield from disagreements(
        schema.views, schema.views_digest, schema.user_fields, schema.item_features, schema.item_ttl_seconds
    )


def _remarks(dataset: Dataset) -> Iterator[str]:
    if names := sorted(attributes_with(dataset.views(), "user", "pseudonymous")):
        yield f"pseudonymous attributes are stored and logged as they are sent, not hashed; send pseudonyms: {', '.join(names)}"
    if dataset.declared_views is None:
        yield "there is no features.toml; the views follow from the data (`winnow features show` writes one)"
    if names := undeclared_attributes(dataset, "user"):
        yield f"attributes of users that no view declares: {', '.join(names)}"
    if names := undeclared_attributes(dataset, "item"):
        yield f"attributes of items that no view declares, and no model sees: {', '.join(names)}"


def _print(measured: Sequence[FieldCoverage], problems: Sequence[str], remarks: Sequence[str]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("view", "field", "kind"):
        table.add_column(heading)
    for heading in ("present", "wrong", "outside", "expired"):
        table.add_column(heading, justify="right")
    for one in measured:
        counts = (f"{one.coverage:.1%}", str(one.wrong), str(one.outside), str(one.expired))
        table.add_row(escape(one.view.name), escape(one.field.name), kind_of(one.field), *counts)
    screen = console()
    screen.print(table)
    for remark in remarks:
        screen.print(f"[dim]{escape(remark)}[/]", soft_wrap=True)
    for problem in problems:
        screen.print(f"[red]{escape(problem)}[/]", soft_wrap=True)
    if not problems:
        screen.print("everything that is declared holds")


def _as_json(one: FieldCoverage) -> dict[str, object]:
    return {
        "view": one.view.name,
        "version": one.view.version,
        "entity": one.view.entity,
        "field": one.field.name,
        "kind": kind_of(one.field),
        "entities": one.entities,
        "present": one.present,
        "wrong": one.wrong,
        "outside": one.outside,
        "expired": one.expired,
    }
