"""What a catalogue costs the services that read it: `python -m tests.bench.catalogue_memory --items 100000 1000000`.

Memory for each item, the time that loading takes, and how long loading holds the interpreter at a stretch, in which the
event loop of a service that answers stands still. The snapshots are those of `tests.snapshot_factory`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.feature_store.items import load_feature_snapshot
from services.gateway.snapshot import load_snapshot
from shared.snapshot.manifest import Manifest
from shared.snapshot.repository import SnapshotRepository
from tests.snapshot_factory import build_snapshot

_LOAD: dict[str, Callable[[Path, Manifest], Any]] = {"gateway": load_snapshot, "feature_store": load_feature_snapshot}

#: How often a thread that shares the interpreter with the loading one looks at the clock.
_TICK_SECONDS = 0.001


def main() -> None:
    """Measures each service and size in a process of its own, and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.catalogue_memory", description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000], help="sizes (default: 100000)")
    parser.add_argument("--measure", nargs=2, metavar=("SERVICE", "SNAPSHOTS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        print(json.dumps(_measure(given.measure[0], Path(given.measure[1]))))  # noqa: T201 - for the parent
        return
    print(f"{'service':14}{'items':>10}{'bytes/item':>12}{'peak':>8}{'load s':>8}{'held s':>8}")  # noqa: T201
    for items in given.items:
        with tempfile.TemporaryDirectory() as folder:
            build_snapshot(Path(folder), items=items)
            for service in _LOAD:
                one = _in_process(service, folder)
                print(  # noqa: T201
                    f"{service:14}{items:10}{one['kept'] / items:12.0f}{one['peak'] / items:8.0f}"
                    f"{one['seconds']:8.2f}{one['held']:8.2f}"
                )


def _in_process(service: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.catalogue_memory", "--measure", service, folder]
    measured: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return measured


def _measure(service: str, root: Path) -> dict[str, float]:
    repository = SnapshotRepository(root)
    (snapshot_id,) = repository.ids()
    manifest = repository.manifest(snapshot_id)
    loaded: list[Any] = []
    before, before_all = _memory("RssAnon"), _memory("VmRSS")
    thread = threading.Thread(target=lambda: loaded.append(_LOAD[service](repository.folder(snapshot_id), manifest)))
    started = last = time.perf_counter()
    held = 0.0
    thread.start()
    while thread.is_alive():
        time.sleep(_TICK_SECONDS)
        now = time.perf_counter()
        held, last = max(held, now - last), now
    return {
        "kept": _memory("RssAnon") - before,
        "peak": _memory("VmHWM") - before_all,
        "seconds": last - started,
        "held": held,
    }


def _memory(field: str) -> int:
    """Returns a field of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main()
