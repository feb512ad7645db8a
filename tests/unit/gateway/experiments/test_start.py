"""A gateway does not start with experiments that it cannot read."""

from pathlib import Path

import pytest

from services.gateway.__main__ import main


def test_a_file_that_is_refused_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 2, before anything is listened on, and with what to do."""
    file = tmp_path / "experiments.toml"
    file.write_text("experiments = 3")
    monkeypatch.setenv("GATEWAY_EXPERIMENTS", str(file))
    monkeypatch.setattr("sys.argv", ["services.gateway"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"GATEWAY_EXPERIMENTS: {file}: Expected `array`, got `int`")
    assert "`winnow experiments check FILE`" in told
