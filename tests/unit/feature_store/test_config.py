"""The feature store's settings."""

from pathlib import Path

import pytest

from services.feature_store.config import FeatureStoreSettings


def test_the_defaults_are_those_of_the_contract() -> None:
    """A thousand items of history, twenty thousand seen ones, a week of event ids."""
    settings = FeatureStoreSettings.load([])
    assert (settings.port, settings.metrics_port, settings.path) == (50052, 9102, Path("var/store"))
    assert (settings.seen_filter_items, settings.durability) == (20_000, "disk")
    assert (settings.max_history, settings.max_seen, settings.event_id_days) == (1_000, 1_000, 7.0)


def test_the_environment_has_the_services_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """As deployments set it."""
    monkeypatch.setenv("FEATURE_STORE_PATH", "/var/lib/winnow/store")
    assert FeatureStoreSettings.load([]).path == Path("/var/lib/winnow/store")


@pytest.mark.parametrize(
    "setting",
    [
        "max-bytes",
        "max-history",
        "max-seen",
        "event-id-days",
        "max-queued-events",
        "seen-filter-items",
        "counter-half-life-days",
    ],
)
def test_no_bound_may_be_zero(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A store that keeps nothing is a mistake, told at start."""
    with pytest.raises(SystemExit) as exit_:
        FeatureStoreSettings.load([f"--{setting}", "0"])
    assert exit_.value.code == 2
    assert f"FEATURE_STORE_{setting.upper().replace('-', '_')}" in capsys.readouterr().err


def test_weights_that_cannot_be_read_are_refused_at_start(capsys: pytest.CaptureFixture[str]) -> None:
    """With the part that is wrong."""
    with pytest.raises(SystemExit) as exit_:
        FeatureStoreSettings.load(["--event-weights", "like=4,hate=1"])
    assert exit_.value.code == 2
    assert "hate=1" in capsys.readouterr().err


def test_the_store_is_one_process(capsys: pytest.CaptureFixture[str]) -> None:
    """It owns its folder, so it has no workers to ask for."""
    with pytest.raises(SystemExit) as exit_:
        FeatureStoreSettings.load(["--workers", "2"])
    assert exit_.value.code == 2
    assert "--workers" in capsys.readouterr().err
