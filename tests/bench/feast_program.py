"""Look-ups from Feast's online store: a program for an environment of its own, in which nothing of ours is installed.

`python feast_program.py ARGUMENTS.json`; the result goes to standard output as JSON. `feast_lookup` starts it.
"""

import contextlib
import datetime
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32
from numpy.typing import NDArray

#: Entities that are written at once.
CHUNK = 5_000
WARMUP = 3
VIEW = "items"
SERVICE = "all_features"


def main(given: dict[str, Any]) -> dict[str, Any]:
    """Fills an online store and measures."""
    folder = Path(given["folder"])
    matrix = np.load(given["matrix"], mmap_mode="r")[: given["entities"]]
    rows: list[list[int]] = (np.load(given["rows"]) % given["entities"]).tolist()
    store = _apply(folder, given["online_store"], matrix.shape[1])
    started = time.perf_counter()
    for first in range(0, len(matrix), CHUNK):
        store.write_to_online_store(VIEW, _frame(first, matrix[first : first + CHUNK]))
    result: dict[str, Any] = {"entities": len(matrix), "write_seconds": round(time.perf_counter() - started, 1)}
    service = store.get_feature_service(SERVICE)

    def in_process(number: int) -> dict[str, Any]:
        entities = {"item": rows[number % len(rows)]}
        answer: dict[str, Any] = store.get_online_features(features=service, entity_rows=entities).to_dict()
        return answer

    _check(in_process(0), rows[0], matrix)
    for in_flight in given["in_flight"]:
        result[f"in process, {in_flight} in flight"] = _measure(in_process, in_flight, given["seconds"])
    with _server(folder, given["port"]) as over_http:
        _check_served(over_http(rows[0]), rows[0], matrix)
        for in_flight in given["in_flight"]:
            result[f"HTTP server, {in_flight} in flight"] = _measure(
                lambda number: over_http(rows[number % len(rows)]), in_flight, given["seconds"]
            )
    return result


def _apply(folder: Path, online_store: dict[str, str], features: int) -> FeatureStore:
    config = {
        "project": "bench",
        "registry": "registry.db",
        "provider": "local",
        "online_store": online_store,
        "entity_key_serialization_version": 3,
    }
    (folder / "feature_store.yaml").write_text(json.dumps(config))  # JSON is YAML
    store = FeatureStore(repo_path=str(folder))
    _frame(0, np.zeros((1, features), np.float32)).to_parquet(folder / "items.parquet")
    item = Entity(name="item", join_keys=["item"], value_type=ValueType.INT64)
    view = FeatureView(
        name=VIEW,
        entities=[item],
        ttl=datetime.timedelta(0),
        schema=[Field(name=f"feature_{number}", dtype=Float32) for number in range(features)],
        source=FileSource(path=str(folder / "items.parquet"), timestamp_field="event_timestamp"),
    )
    store.apply([item, view, FeatureService(name=SERVICE, features=[view])])
    return store


def _frame(first: int, values: NDArray[np.float32]) -> Any:
    frame = pd.DataFrame(np.asarray(values), columns=[f"feature_{number}" for number in range(values.shape[1])])
    frame.insert(0, "item", np.arange(first, first + len(values)))
    frame["event_timestamp"] = datetime.datetime.now(datetime.UTC)
    return frame


def _check(answer: dict[str, Any], rows: list[int], matrix: NDArray[np.float32]) -> None:
    got = np.array([answer[f"feature_{number}"] for number in range(matrix.shape[1])], dtype=np.float32).T
    if not np.array_equal(got, matrix[rows]):
        raise SystemExit("Feast answered with other features than were written")


def _check_served(body: bytes, rows: list[int], matrix: NDArray[np.float32]) -> None:
    answer = json.loads(body)
    columns = zip(answer["metadata"]["feature_names"], answer["results"], strict=True)
    _check({name: column["values"] for name, column in columns}, rows, matrix)


def _measure(look_up: Callable[[int], Any], in_flight: int, seconds: float) -> dict[str, Any]:
    """As `winnow_lookup.measure_in_threads`, which cannot be imported here."""
    for number in range(WARMUP):
        look_up(number)
    numbers, milliseconds, begun = count(), list[float](), time.perf_counter()

    def caller() -> None:
        while (now := time.perf_counter()) < begun + seconds:
            look_up(next(numbers))
            milliseconds.append((time.perf_counter() - now) * 1e3)

    with ThreadPoolExecutor(in_flight) as threads:
        for call in [threads.submit(caller) for _ in range(in_flight)]:
            call.result()
    elapsed = time.perf_counter() - begun
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {
        "p50_ms": round(float(p50), 4),
        "p99_ms": round(float(p99), 4),
        "per_second": round(len(milliseconds) / elapsed, 2),
        "lookups": len(milliseconds),
    }


@contextlib.contextmanager
def _server(folder: Path, port: int) -> Iterator[Callable[[list[int]], bytes]]:
    """Starts Feast's feature server; gives a look-up over a connection that stays open, one for each thread."""
    feast = Path(sys.executable).with_name("feast")
    command = [str(feast), "-c", str(folder), "serve", "-p", str(port), "--no-access-log", "--max-requests", "0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, server)

        kept = threading.local()

        def look_up(rows: list[int]) -> bytes:
            if not hasattr(kept, "connection"):
                kept.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            body = json.dumps({"feature_service": SERVICE, "entities": {"item": rows}})
            kept.connection.request("POST", "/get-online-features", body, {"Content-Type": "application/json"})
            response = kept.connection.getresponse()
            answer: bytes = response.read()
            if response.status != http.client.OK:
                raise SystemExit(f"Feast's server answered {response.status}: {answer[:200]!r}")
            return answer

        yield look_up
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.2)
    raise SystemExit("Feast's server did not start")


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))  # noqa: T201 - the result
