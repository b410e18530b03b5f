"""`manage.py check`: whether the settings can be the configuration, and whether a file says the same."""
# mypy: disable-error-code="import-untyped", allow-untyped-calls

from pathlib import Path
from typing import Any

from django.core.checks import Error, Warning
from django.core.exceptions import ImproperlyConfigured

from . import configuration
from .comparison import Unreadable, differences


def check_configuration(app_configs: Any, **_: object) -> list[Any]:
    """E001: there is no usable configuration. W001: the file says something else than the settings.
    W002: a class of DEFAULT_AUTHENTICATION_CLASSES or a backend that the library cannot imitate."""
    try:
        configuration.context()
        made = configuration.made_text()
    except (configuration.Unfit, ImproperlyConfigured) as error:
        return [Error(str(error).removeprefix("authchain: "), id="authchain.E001")]
    left_out = [line[2:] for line in made.splitlines() if line.startswith("# ") and " is left out" in line]
    found = [Warning(line, id="authchain.W002") for line in left_out]
    path = configuration.option("CONFIG", None)
    return found + (_file(Path(path), made) if path else [])


def _file(path: Path, made: str) -> list[Any]:
    try:
        told = differences(made, path)
    except Unreadable as error:
        return [Warning(f"{path} was not compared with the settings: {error}", id="authchain.W003")]
    hint = "manage.py authchain_config prints what the settings say"
    return [Warning(f"{path}: {line}", hint=hint, id="authchain.W001") for line in told]
