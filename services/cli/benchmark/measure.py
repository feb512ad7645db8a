"""Measuring one cell."""

from collections.abc import Mapping
from pathlib import Path

import torch

from services.cli.failure import Failure
from services.cli.output import log_to_stderr, remarks
from services.training.benchmark.protocol import Refused, Request
from services.training.benchmark.registry import PROTOCOLS
from services.training.benchmark.results import Cell
from services.training.datasets import DatasetError
from services.training.progress import display_for
from shared.quota import cpu_quota


def measure(
    protocol: str,
    *,
    model: str,
    data: Path,
    settings: Mapping[str, object],
    seed: int,
    max_history: int | None,
    threads: int,
    quiet: bool,
) -> Cell:
    """Fits and judges a model; progress goes to stderr.

    Raises:
        Failure: there is no such protocol, model, setting or folder, or the data do not suit.
    """
    if protocol not in PROTOCOLS:
        raise Failure(f"There is no protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}.", exit_code=2)
    log_to_stderr()
    threads = threads or cpu_quota()
    torch.set_num_threads(threads)
    request = Request(data, model, settings, seed, threads, max_history, display_for(remarks(), quiet))
    try:
        return Cell.of(protocol, request, PROTOCOLS[protocol].run(request))
    except Refused as error:
        raise Failure(f"This cannot be measured: {error}.", exit_code=2) from error
    except DatasetError as error:
        raise Failure(str(error)) from error
