"""Settings as they are given on a command line."""

import json
from collections.abc import Sequence

from services.cli.failure import Failure


def parsed(given: Sequence[str]) -> dict[str, object]:
    """Returns the values by name: a value is JSON where it can be read as such, else the text as it stands.

    Raises:
        Failure: one is not of the form NAME=VALUE, or a name stands twice.
    """
    settings: dict[str, object] = {}
    for one in given:
        name, sign, text = one.partition("=")
        if not sign or not name:
            raise Failure(f"--setting {one!r} is not of the form NAME=VALUE.", exit_code=2)
        if name in settings:
            raise Failure(f"--setting {name} is given twice.", exit_code=2)
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings
