"""The entry point of retraining."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.training.retraining.__main__ import main
from services.training.retraining.ledger import Ledger
from shared.event_log import EventLog
from shared.event_log.records import EventRecord
from shared.events import EventType
from shared.snapshot.repository import SnapshotRepository
from tests.unit.training.chains import ITEMS
from tests.unit.training.job_folder import write_job

NOW_MS = 1_790_000_000_000

# Does what a mount with the option `ro` does: whatever would change something below the folder fails. Permissions would
# not do, for they do not bind root.
ON_A_READ_ONLY_MOUNT = """
import errno, os, runpy, sys
mounted = os.path.realpath(sys.argv.pop(1))
changing = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime"}
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def refuse(event, arguments):
    if event not in changing and not (event == "open" and (arguments[2] or 0) & writing):
        return
    for argument in arguments:
        if isinstance(argument, (str, bytes, os.PathLike)):
            path = os.path.realpath(os.fsdecode(argument))
            if path == mounted or path.startswith(mounted + os.sep):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
sys.addaudithook(refuse)
sys.argv[0] = "retraining"
"""
RETRAINING = "runpy.run_module('services.training.retraining', run_name='__main__', alter_sys=True)\n"
APPENDING = "from shared.event_log import EventLog\nfrom pathlib import Path\nEventLog(Path(mounted)).__enter__()\n"


@pytest.fixture(autouse=True)
def logs_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves logs alone: once configured they go, for the rest of the tests, to a stdout that is closed after this one."""
    monkeypatch.setattr("services.training.flags.configure_logs", lambda _service, _level: None)


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    """A data set, what newcomers did then, and a configuration that is trained in a moment."""
    write_job(tmp_path)
    with EventLog(tmp_path / "log") as log:
        for user in range(10):
            log.append(
                [
                    EventRecord(f"new-{user}", f"{step}", str((3 * user + step) % ITEMS), EventType.VIEW, at_ms, at_ms)
                    for step in range(8)
                    for at_ms in [NOW_MS + 60_000 * step]
                ]
            )
        log.sync()
    return [
        f"--log={tmp_path / 'log'}",
        f"--data={tmp_path / 'data'}",
        f"--out={tmp_path / 'out'}",
        f"--config={tmp_path / 'training.toml'}",
    ]


def test_a_round_and_one_that_has_nothing_to_do_are_told_and_status_zero(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first publishes and goes live; right after it there is nothing new. Neither says anything on stderr."""
    assert main([*flags, "--min-events=80"]) == 0
    first = capsys.readouterr()
    assert main([*flags, "--min-events=80"]) == 0
    second = capsys.readouterr()

    current = SnapshotRepository(tmp_path / "out").current()
    (noted,) = Ledger(tmp_path / "out").rounds
    assert noted.snapshot == current
    # On one line, however long it is.
    assert f"{current} is live, from 80 new events: {noted.reason}." in first.out.splitlines()
    assert second.out == "Nothing was trained: 0 new events, of 80 wanted.\n"
    assert (first.err, second.err) == ("", "")


def _on_a_read_only_mount(folder: Path, program: str, *flags: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", ON_A_READ_ONLY_MOUNT + program, str(folder), *flags],
        check=False, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def test_a_log_on_a_read_only_mount_is_enough(flags: list[str], tmp_path: Path) -> None:
    """The feature store owns its volume; another pod mounts it read-only. Whoever writes a log fails there."""
    log = tmp_path / "log"
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in log.iterdir()}

    done = _on_a_read_only_mount(log, RETRAINING, *flags, f"--offline={tmp_path / 'offline'}")
    refused = _on_a_read_only_mount(log, APPENDING)

    assert (done.returncode, done.stderr) == (0, "")
    current = SnapshotRepository(tmp_path / "out").current()
    assert done.stdout.splitlines()[-1].startswith(f"{current} is live, from 80 new events: ")
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in log.iterdir()} == before
    assert "Read-only file system" in refused.stderr


def _damage(log: Path) -> None:
    (segment,) = log.iterdir()
    whole = bytearray(segment.read_bytes())
    whole[len(whole) // 3] ^= 0xFF
    segment.write_bytes(whole)


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda _log: None, (["--log=nowhere"], "there is no log")),
        (lambda log: next(log.iterdir()).unlink(), ([], "there is no log")),
        (_damage, ([], "00000000000000000000.log")),
        (lambda _log: None, (["--data=nowhere"], "there is no such folder")),
        (lambda _log: None, (["--config=nowhere.toml"], "nowhere.toml")),
        (
            lambda log: (log.parent / "training.toml").write_text("[channels.sasrec]\nsettings = { heads = 5 }\n"),
            ([], "does not divide"),
        ),
        (lambda log: (log.parent / "training.toml").write_text("[channels\n"), ([], "Expected")),
        (lambda _log: None, (["--user-id-key-file=nowhere"], "user id key")),
        (lambda log: (log.parent / "out").write_text("a file"), ([], "out")),
    ],
    ids=["no folder", "no log", "damaged log", "no data", "no file", "wrong value", "no TOML", "no key", "no room"],
)
def test_what_cannot_be_used_is_explained_on_stderr_with_status_two(
    flags: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    wrong: tuple[list[str], str],
) -> None:
    """One explanation and no traceback; nothing is published, and a scheduler learns of it by the status."""
    chosen, said = wrong
    spoil(tmp_path / "log")

    status = main([*flags, *chosen, "--quiet"])

    output = capsys.readouterr()
    assert status == 2
    assert said in output.err
    assert "Traceback" not in output.err
    assert output.out == ""
    assert not (tmp_path / "out" / "current").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "--log"),
        (["--log=x", "--min-events=0"], "0 is not at least 1"),
        (["--log=x", "--min-events=some"], "invalid int value"),
        (["--log=x", "--max-loss=1.5"], "1.5 is not between 0 and 1"),
        (["--log=x", "--every=-1"], "-1 is not at least 0"),
        (["--log=x", "--every=nan"], "nan is not at least 0"),
        (["--log=x", "--every=inf"], "inf is not at least 0"),
        (["--log=x", "--event-weights=stare=2"], "is no weight"),
    ],
)
def test_a_wrong_flag_is_named(wrong: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    with pytest.raises(SystemExit) as exit_:
        main(wrong)

    assert exit_.value.code == 2
    assert said in capsys.readouterr().err
