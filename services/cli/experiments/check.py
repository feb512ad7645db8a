"""What a file of experiments does, as the gateway reads it."""

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from services.cli.experiments.reading import read_file
from services.cli.failure import Failure
from services.cli.output import console, print_json
from services.cli.snapshots.chosen import open_repository, read_chosen
from services.gateway.experiments.assignment import Assignment
from services.gateway.experiments.definition import HOLDOUT, Arm, Experiment, Experiments
from services.gateway.treatment import CURRENT, PREVIOUS, Policy


def check(path: Path, snapshots: Path | None, as_json: bool) -> None:
    """Prints the arms of a file with the share of all users that each has, and what it changes.

    Args:
        path: The file.
        snapshots: The folder of the snapshots to hold it against; None for the file alone.
        as_json: Print JSON instead of a table.

    Raises:
        Failure: the gateway would refuse the file, or an arm names what the snapshots do not have.
    """
    experiments = read_file(path)
    if snapshots is not None:
        _check_against(experiments, snapshots)
    arms = [arm for experiment in experiments.experiments for arm in _arms(experiment)]
    nobody = 1 - sum(share for _, share, _ in arms)
    if as_json:
        print_json(
            {
                "arms": [{"arm": label, "share": share, "changes": changes} for label, share, changes in arms],
                "in_none": nobody,
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("arm")
    table.add_column("of all users", justify="right")
    table.add_column("changes")
    for label, share, changes in arms:
        table.add_row(escape(label), f"{share:.2%}", escape(", ".join(changes)) or "[dim]nothing[/]")
    table.add_row("[dim]in none[/]", f"{max(nobody, 0.0):.2%}", "")
    console().print(table)


def assign(path: Path, user_id: str, as_json: bool) -> None:
    """Prints the experiment and arm of a user.

    Raises:
        Failure: the gateway would refuse the file.
    """
    arm = Assignment(read_file(path), Policy()).arm_of(user_id)
    if as_json:
        print_json({"user": user_id, "arm": arm})
    else:
        console().print(escape(arm) or "in no experiment")


def _arms(experiment: Experiment) -> Iterator[tuple[str, float, list[str]]]:
    """Yields label, share of all users and changes of each arm that runs."""
    if experiment.ended:
        return
    for arm in experiment.arms:
        yield f"{experiment.name}/{arm.name}", experiment.share * arm.share, list(_changes(arm))
    if experiment.holdout:
        yield f"{experiment.name}/{HOLDOUT}", experiment.share * experiment.holdout, []


def _changes(arm: Arm) -> Iterator[str]:
    for objective, weight in arm.objective_weights.items():
        yield f"weight of {objective} {weight:g}"
    for name in ("diversity", "exploration", "max_candidates"):
        if (value := getattr(arm, name)) is not None:
            yield f"{name} {value:g}"
    if arm.snapshot != CURRENT:
        yield f"snapshot {arm.snapshot}"


def _check_against(experiments: Experiments, snapshots: Path) -> None:
    repository = open_repository(snapshots)
    manifest = read_chosen(repository, "")
    for experiment in experiments.experiments:
        for arm in experiment.arms:
            place = f"Arm {experiment.name}/{arm.name}"
            if unknown := set(arm.objective_weights) - set(manifest.objectives):
                raise Failure(
                    f"{place} weighs {', '.join(sorted(unknown))}, which snapshot {manifest.id} does not have; "
                    f"its objectives are {', '.join(manifest.objectives)}."
                )
            if arm.snapshot not in {CURRENT, PREVIOUS, *repository.ids()}:
                raise Failure(f"{place} names snapshot {arm.snapshot!r}, which is not in {snapshots}.")
