"""The gateway's settings and what the pipelines get of them."""

import pytest

from services.gateway.config import GatewaySettings
from services.gateway.degradation import Stage


def test_the_gateway_starts_without_being_told_anything() -> None:
    """Its ports are those of the design, its neighbours on the same machine."""
    settings = GatewaySettings.load([])
    assert (settings.port, settings.metrics_port) == (50051, 9101)
    targets = (settings.feature_store_target, settings.recall_target, settings.ranking_target)
    assert targets == ("localhost:50052", "localhost:50053", "localhost:50054")


def test_limits_are_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget is set in milliseconds, by its name in the environment."""
    monkeypatch.setenv("GATEWAY_RANKING_BUDGET_MS", "25")
    limits = GatewaySettings.load(["--diversity", "0.5"]).limits()
    assert limits.budgets[Stage.RANKING] == 0.025
    assert limits.diversity == 0.5


def test_every_stage_that_asks_a_neighbour_has_a_budget() -> None:
    """Filtering and selection ask nobody."""
    assert set(GatewaySettings.load([]).limits().budgets) == set(Stage) - {Stage.FILTER, Stage.SELECT}


@pytest.mark.parametrize("flags", [["--diversity", "1.5"], ["--max-candidates", "20000"], ["--recall-budget-ms", "0"]])
def test_a_setting_beyond_its_limit_ends_the_start(flags: list[str]) -> None:
    """With status 2, before anything is listened on."""
    with pytest.raises(SystemExit) as exit_:
        GatewaySettings.load(flags)
    assert exit_.value.code == 2
