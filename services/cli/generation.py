"""Writing a generated data set."""

from collections.abc import Mapping
from pathlib import Path

from services.cli.failure import Failure
from services.cli.output import console
from services.training.generator import GeneratorConfig, generate


def write(folder: Path, chosen: Mapping[str, float]) -> None:
    """Generates a data set and writes it to `folder`.

    Args:
        folder: Made when absent; a file of it that exists is replaced.
        chosen: Fields of `GeneratorConfig`; those left out keep their default.

    Raises:
        Failure: a value is out of its range, or the folder cannot be written.
    """
    try:
        config = GeneratorConfig(**chosen)  # type: ignore[arg-type]  # it checks its values itself
    except ValueError as error:
        raise Failure(f"This cannot be generated: {error}.", exit_code=2) from error
    generated = generate(config)
    try:
        generated.write(folder)
    except OSError as error:
        raise Failure(f"{folder} cannot be written: {error.strerror}.") from error
    dataset = generated.dataset
    console().print(
        f"{len(dataset.users)} readers, {len(dataset.items)} books and {len(dataset.interactions)} events are in {folder}."
    )
