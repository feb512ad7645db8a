"""How many events a second the feature store takes and for how long, and what look-ups notice: `python -m tests.bench.ingestion`."""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.logs import configure_logs
from tests.bench.feature_snapshot import build_feature_snapshot
from tests.bench.ingestion import lookups, sender
from tests.bench.ingestion.lookups import LookUps
from tests.bench.ingestion.sender import Sending
from tests.service_process import started

_EXPLANATION = """A feature store as a process, a process that streams batches of events to it, and one that looks users
up meanwhile, in an open loop. First the soak: all events as fast as they are taken, with what the store takes of memory and
disk after each part of them. Then look-ups without ingestion and with it, in turns, at the given rate. The bounds are low
enough to be reached within the soak; every acknowledged event is on disk. Everything shares the CPUs of this machine."""

_ITEMS = 20_000
_FEATURES = 16
_PARTS = 20
_MIB = 1 << 20


def main(arguments: list[str] | None = None) -> None:
    """Measures and prints."""
    given = _parser().parse_args(arguments)
    configure_logs("bench", "error")
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        build_feature_snapshot(folder / "snapshots", _ITEMS, _FEATURES, seed=0)
        with started("services.feature_store", *_flags(given, folder)) as process:
            target = f"127.0.0.1:{process.wait_for('ready')['port']}"
            result["soak"] = list(_soak(given, target, process.pid, folder / "store"))
            result["lookups"] = list(_turns(given, target))
    print(json.dumps(result, indent=1))  # noqa: T201


def _flags(given: argparse.Namespace, folder: Path) -> list[str]:
    return [
        "--path", str(folder / "store"), "--snapshot-dir", str(folder / "snapshots"), "--log-level", "info",
        "--max-history", str(given.history), "--max-seen", str(given.seen), "--seen-filter-items", str(given.filtered),
        "--event-id-days", str(given.event_id_seconds / 86_400), "--log-retention-bytes", str(given.log_bytes),
        "--log-segment-bytes", str(8 * _MIB),
    ]  # fmt: skip


def _soak(given: argparse.Namespace, target: str, pid: int, store: Path) -> Iterator[dict[str, float]]:
    events = given.events // _PARTS
    print(f"{'events':>10}{'events/s':>10}{'anonymous MiB':>15}{'store MiB':>11}{'log MiB':>9}")  # noqa: T201
    for part in range(_PARTS):
        sending = Sending(part + 1, given.users, _ITEMS, given.batch, events, 0, given.streams)
        seconds = float(subprocess.check_output(sender.command(target, sending), text=True).split()[-1])
        one = {
            "events": events * (part + 1),
            "per_second": round(events / seconds),
            "anonymous_mib": _anonymous_mib(pid),
            "store_mib": _disk_mib([store / "data.mdb"]),
            "log_mib": _disk_mib((store / "log").iterdir()),
        }
        print(f"{one['events']:>10}{one['per_second']:>10}", end="")  # noqa: T201
        print(f"{one['anonymous_mib']:>15}{one['store_mib']:>11}{one['log_mib']:>9}", flush=True)  # noqa: T201
        yield one


def _turns(given: argparse.Namespace, target: str) -> Iterator[dict[str, Any]]:
    looking = LookUps("bench", given.users, given.lookup_users, given.lookups, given.seconds)
    for turn in range(given.turns):
        for rate in (0, given.rate):
            with _ingesting(given, target, rate, seed=1_000 + turn):
                one = json.loads(subprocess.check_output(lookups.command(target, looking)))
            print(f"look-ups with {rate} events/s: {one}", flush=True)  # noqa: T201
            yield {"events_per_second": rate, **one}


@contextmanager
def _ingesting(given: argparse.Namespace, target: str, rate: float, seed: int) -> Iterator[None]:
    if not rate:
        yield
        return
    events = int(rate * (given.seconds + 3))
    sending = Sending(seed, given.users, _ITEMS, given.batch, events, rate, 1)
    with subprocess.Popen(sender.command(target, sending), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        reached = events / float(process.stdout.read())
        print(f"sent {reached:.0f} events/s", flush=True)  # noqa: T201


def _anonymous_mib(pid: int) -> float:
    """Returns the memory of a process that is its own: the pages of the store's file belong to the page cache."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return round(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024, 1)


def _disk_mib(files: Iterable[Path]) -> float:
    return round(sum(path.stat().st_blocks for path in files) * 512 / _MIB, 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ingestion", description=f"{__doc__}\n{_EXPLANATION}")
    for name, default, text in (
        ("events", 2_000_000, "of the soak"),
        ("users", 20_000, "who do them"),
        ("batch", 1_000, "events of a message"),
        ("streams", 2, "at once in the soak"),
        ("history", 50, "items kept of each user"),
        ("seen", 40, "items kept of each user one by one"),
        ("filtered", 100, "items of a generation of each user's filter"),
        ("event-id-seconds", 15, "that event ids are remembered for"),
        ("log-bytes", 64 * _MIB, "that the log may take"),
        ("rate", 20_000, "events a second while users are looked up"),
        ("lookups", 100, "a second"),
        ("lookup-users", 1, "of a look-up"),
        ("seconds", 10, "of each turn of look-ups"),
        ("turns", 2, "without ingestion and with it"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where the store is; a folder on a disk (default: a temporary one)")
    return parser


if __name__ == "__main__":
    main()
