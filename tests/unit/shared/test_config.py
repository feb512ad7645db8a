"""Settings come from flags, then the environment, then defaults, and a wrong one ends the start."""

import os

import pydantic
import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.config import GrpcPort, MetricsPort, OwnLinks, ServiceSettings


class ProbeSettings(ServiceSettings):
    """A service's settings."""

    model_config = SettingsConfigDict(env_prefix="PROBE_")

    port: GrpcPort = 50099
    metrics_port: MetricsPort = 9199
    links: OwnLinks = ""
    weights: dict[str, float] = Field(default={}, description="Weight of each objective.")


class OtherSettings(ServiceSettings):
    """Another service's settings."""

    model_config = SettingsConfigDict(env_prefix="OTHER_")

    port: GrpcPort = 50098
    metrics_port: MetricsPort = 9198


def problems_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Starts with these arguments, which must fail with status 2, and returns what was printed."""
    with pytest.raises(SystemExit) as exit_:
        ProbeSettings.load(arguments)
    assert exit_.value.code == 2
    return capsys.readouterr().err.splitlines()


def test_every_setting_has_a_default() -> None:
    """A service starts without being told anything."""
    settings = ProbeSettings.load([])
    assert (settings.port, settings.metrics_port, settings.log_level) == (50099, 9199, "info")


def test_the_environment_sets_what_has_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of other services, and those without a prefix, say nothing to this one."""
    monkeypatch.setenv("PROBE_PORT", "1")
    monkeypatch.setenv("OTHER_METRICS_PORT", "2")
    monkeypatch.setenv("LOG_LEVEL", "debug")
    settings = ProbeSettings.load([])
    assert (settings.port, settings.metrics_port, settings.log_level) == (1, 9199, "info")


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed now is meant more than what was exported before."""
    monkeypatch.setenv("PROBE_GRACE_SECONDS", "1")
    monkeypatch.setenv("PROBE_MAX_IN_FLIGHT", "7")
    settings = ProbeSettings.load(["--grace-seconds", "2.5"])
    assert (settings.grace_seconds, settings.max_in_flight) == (2.5, 7)


def test_flags_are_those_of_the_process_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's entry point calls `load` without arguments."""
    monkeypatch.setattr("sys.argv", ["recall", "--port", "3"])
    assert ProbeSettings.load().port == 3


def test_each_wrong_setting_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All at once, from flags and environment alike, with what is wrong, and with status 2."""
    monkeypatch.setenv("PROBE_LOG_LEVEL", "loud")
    monkeypatch.setenv("PROBE_WEIGHTS", '{"click": "x"}')
    assert problems_of(["--port", "65536", "--grace-seconds", "-1"], capsys) == [
        "PROBE_PORT: Input should be less than or equal to 65535",
        "PROBE_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
        "PROBE_GRACE_SECONDS: Input should be greater than or equal to 0",
        "PROBE_WEIGHTS[click]: Input should be a valid number, unable to parse string as a number",
    ]


def test_a_variable_that_is_no_json_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a setting is a mapping, text that cannot be parsed is named too, without a traceback."""
    monkeypatch.setenv("PROBE_WEIGHTS", "{click")
    (problem,) = problems_of([], capsys)
    assert 'error parsing value for field "weights"' in problem


def test_a_flag_that_is_no_json_ends_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    """The same from a flag."""
    (problem,) = problems_of(["--weights", "{click"], capsys)
    assert "weights" in problem


def test_a_flag_that_does_not_exist_ends_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error must not leave a default in force unnoticed."""
    assert "unrecognized arguments: --prot" in problems_of(["--prot", "1"], capsys)[-1]


def test_help_lists_every_setting_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """Flag, description, variable and default of all settings, those that every service has included."""
    with pytest.raises(SystemExit) as exit_:
        ProbeSettings.load(["--help"])
    assert exit_.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, field in ProbeSettings.model_fields.items():
        assert f"--{name.replace('_', '-')} " in text
        assert f"[env: PROBE_{name.upper()}] (default: {field.default})" in text
        assert str(field.description) in text


def test_services_do_not_rename_each_others_variables() -> None:
    """Each class describes the fields that it inherits by its own prefix."""
    for settings, prefix in ((OtherSettings, "OTHER"), (ProbeSettings, "PROBE")):
        for name in ("host", "port"):
            description = str(settings.model_fields[name].description)
            assert description.endswith(f"[env: {prefix}_{name.upper()}]")
            assert description.count("[env:") == 1


def test_a_port_keeps_its_limits_and_description_with_a_services_default() -> None:
    """Each service has ports of its own, and all have the same rules."""
    assert "0 takes a free one" in str(ProbeSettings.model_fields["port"].description)
    with pytest.raises(pydantic.ValidationError, match="less than or equal to 65535"):
        ProbeSettings(metrics_port=65536)


def test_settings_do_not_change_after_the_start() -> None:
    """What `--help` and the log say stays true for the life of the process."""
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        ProbeSettings().port = 1


def test_cpus_that_are_no_list_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """At the start, like any other setting."""
    (problem,) = problems_of(["--cpus", "some"], capsys)
    assert problem.startswith("PROBE_CPUS: ")
    assert "is neither a CPU" in problem


def test_links_at_no_address_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """At the start, like any other setting; none at all is what there is by default."""
    (problem,) = problems_of(["--links", "probe"], capsys)
    assert problem.startswith("PROBE_LINKS: ")
    assert "'probe' is neither host:port nor unix-abstract:name" in problem
    assert ProbeSettings.load([]).links == ""


def test_cpus_that_the_process_may_not_use_end_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    """With the variable's name; without any the process stays where it may be."""
    allowed = os.sched_getaffinity(0)
    ProbeSettings.load([]).keep_to_cpus()
    with pytest.raises(SystemExit) as exit_:
        ProbeSettings.load(["--cpus", str(max(allowed) + 1)]).keep_to_cpus()
    assert exit_.value.code == 2
    assert "PROBE_CPUS: CPU" in capsys.readouterr().err
    assert os.sched_getaffinity(0) == allowed
