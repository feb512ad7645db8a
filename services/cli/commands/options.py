"""Options that several commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

Count = Annotated[int, typer.Option("--max-results", "-n", min=1, max=100, help="How many items.")]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="FIELD=VALUE",
        help="Only items whose category or attribute is VALUE (A|B: one of them; FIELD!=VALUE: none). Repeatable.",
    ),
]
Exclude = Annotated[list[str] | None, typer.Option(metavar="ITEM", help="An item to leave out, repeatable.")]
Target = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The gateway. [env: WINNOW_TARGET] [default: localhost:50051]")
]
Timeout = Annotated[float, typer.Option(min=0.001, metavar="SECONDS", help="How long the answer may take.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
Root = Annotated[Path, typer.Option(metavar="FOLDER", help="Where snapshots, the feature store and logs are kept.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is on all addresses.")]
PortBase = Annotated[
    int,
    typer.Option(
        min=0,
        max=65532,
        metavar="PORT",
        help="Gateway, feature store, recall and ranking listen from here on; 0 takes free ports.",
    ),
]
MetricsPortBase = Annotated[
    int, typer.Option(min=0, max=65532, metavar="PORT", help="The same for Prometheus metrics; 0 for none.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        metavar="N",
        help="Processes of each service but the feature store, for machines with many cores. [default: 1]",
    ),
]
Pin = Annotated[
    bool,
    typer.Option(
        "--pin/--no-pin",
        help="Keep each service to CPUs of its own, on a machine that does little else: up to a tenth more answers.",
    ),
]
Awake = Annotated[
    bool,
    typer.Option(
        "--awake/--no-awake",
        help="Keep idle CPUs awake (needs root): a request alone is a seventh quicker, and an idle machine as hot as a busy one.",
    ),
]
ServicePort = Annotated[int | None, typer.Option(min=1, max=65535, metavar="PORT", help="Put this one elsewhere.")]
