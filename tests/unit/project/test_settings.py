"""Every setting of every service is explained, in `--help` and in docs/settings.md."""

import importlib

import pytest

from shared.config import ServiceSettings, WorkerSettings
from tests.unit.project.sources import ROOT

PAGE = ROOT / "docs" / "settings.md"


def settings_classes() -> list[type[ServiceSettings]]:
    """Returns the settings of every service that has some."""
    found = []
    for path in sorted((ROOT / "services").glob("*/config.py")):
        module = importlib.import_module(f"services.{path.parent.name}.config")
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, ServiceSettings)
            and value not in {ServiceSettings, WorkerSettings}
        ]
    return found


def rows_of(settings: type[ServiceSettings]) -> list[str]:
    """Returns the rows of the page for a service: what is the same for all services stands once, under `*_`."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = []
    for name, field in settings.model_fields.items():
        inherited = ServiceSettings.model_fields.get(name)
        common = inherited is not None and inherited.default == field.default
        variable = f"{'*_' if common else prefix}{name.upper()}"
        default = "" if field.default == "" else f"`{field.default}`"
        rows.append(f"| `{variable}` | {default} | {str(field.description).split(' [env:')[0]} |")
    return rows


SETTINGS = settings_classes()
BY_SERVICE = pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.__name__)


def test_every_service_has_settings() -> None:
    """The four of them are found, so that the tests below mean something."""
    prefixes = [settings.model_config.get("env_prefix") for settings in SETTINGS]
    assert prefixes == ["FEATURE_STORE_", "GATEWAY_", "RANKING_", "RECALL_"]


@BY_SERVICE
def test_every_setting_has_a_description(settings: type[ServiceSettings]) -> None:
    """A sentence, beside the variable's name that is added to all."""
    described = {name: str(field.description).split(" [env:")[0] for name, field in settings.model_fields.items()}
    assert [name for name, text in described.items() if not text.endswith(".")] == []


@BY_SERVICE
def test_every_setting_has_a_default(settings: type[ServiceSettings]) -> None:
    """A service starts on a developer's machine without being told anything."""
    assert [name for name, field in settings.model_fields.items() if field.is_required()] == []


@BY_SERVICE
def test_every_setting_is_on_the_page(settings: type[ServiceSettings]) -> None:
    """With its default and its description, word for word."""
    page = PAGE.read_text().splitlines()
    assert [row for row in rows_of(settings) if row not in page] == []


def test_the_page_has_no_setting_that_is_gone() -> None:
    """What is on it can be set."""
    known = {row for settings in SETTINGS for row in rows_of(settings)}
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| `") and line not in known] == []
