"""A bar on stderr for work that takes long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress

from services.cli.output import remarks


@contextmanager
def bar(what: str, steps: int | None) -> Iterator[Callable[[int], None]]:
    """Shows a bar while the context is open.

    Args:
        what: Is done, such as "Ranking offline".
        steps: How many there are; None where that is not known.

    Yields:
        What to tell how many steps more are done.
    """
    with Progress(console=remarks(), transient=True) as progress:
        task = progress.add_task(what, total=steps)
        yield lambda done: progress.advance(task, done)
