"""The contexts of a project: made of its settings, opened once, made anew when the settings change."""
# mypy: disable-error-code="import-untyped", allow-untyped-calls

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import connections, router
from django.utils.module_loading import import_string

from .. import _sqlite
from ..chain import Context
from ..errors import ConfigError
from .from_django import made, of_django
from .from_django.writing import Unfit, setting, table

__all__ = ["Unfit", "context", "kept", "made_text", "option", "scheme"]

HASHERS: Final[dict[str, dict[str, int]]] = {
    "pbkdf2_sha256": {"iterations": 1_000_000},
    "pbkdf2_sha1": {"iterations": 1_000_000},
    "argon2": {"time_cost": 2, "memory_cost": 102_400, "parallelism": 8},
    "bcrypt_sha256": {"rounds": 12},
    "scrypt": {"work_factor": 16_384, "block_size": 8, "parallelism": 5},
    "bcrypt": {"rounds": 12},
    "md5": {},
}
"""What the library knows, and the costs that need not be said."""

_MOST_KEPT: Final = 64
"""Contexts that stay open: a test run changes settings back and forth."""

_Kept = TypeVar("_Kept")


def option(name: str, default: Any) -> Any:
    """A key of the setting `AUTHCHAIN`."""
    return getattr(settings, "AUTHCHAIN", {}).get(name, default)


def question(secret_file: str = "", print_secret: bool = True) -> dict[str, Any]:
    """What is asked of from_django."""
    return {
        "settings": os.environ.get("DJANGO_SETTINGS_MODULE", "settings"),
        "secret_file": secret_file or None,
        "print_secret": print_secret,
        "hashers": HASHERS,
    }


def made_text() -> str:
    """The whole configuration, made of the settings. Unfit: it cannot be."""
    text: str = made(question())["config"]
    return _with_own(text)


def context() -> Context:
    """The context of the file that the settings name, or else of the settings. Raises as `kept`."""
    return kept("context", _of_file_or_settings)


def scheme(name: str, options: dict[str, Any]) -> Context:
    """A context whose chain is one scheme: the settings, and the options of a class. Unfit or ConfigError:
    there cannot be one."""
    return _opened(text=_scheme_text(name, options))


def kept(key: object, make: Callable[[], _Kept]) -> _Kept:
    """What `make` made for the settings and the database of now; it is made once.

    ImproperlyConfigured: it cannot be made, with the reason.
    """
    found = _made.get(key)
    if found is None or found.database["NAME"] != found.name:
        database = connections[router.db_for_read(get_user_model())].settings_dict
        try:
            _sqlite.check_copies()
            found = _made[key] = _Made(make(), database, database["NAME"])
        except (Unfit, ConfigError, ImportError) as error:
            raise ImproperlyConfigured(f"authchain: {error}") from error
    value: _Kept = found.value
    return value


@dataclass(frozen=True, slots=True)
class _Made:
    """With the settings of the database, whose name a test run changes."""

    value: Any
    database: dict[str, Any]
    name: object


_made: Final[dict[object, _Made]] = {}
_opened_texts: Final[dict[str, Context]] = {}
# Without a lock, which a fork could leave locked: what two threads make at once is as good twice.


def _of_file_or_settings() -> Context:
    path = option("CONFIG", None)
    schemes = [import_string(name) for name in option("SCHEMES", ())]
    if path:
        return Context(Path(path), schemes=schemes)
    return Context(text=made_text(), schemes=schemes) if schemes else _opened(text=made_text())


def _opened(text: str) -> Context:
    """The context of a text, the one that is open if there is one."""
    found = _opened_texts.get(text)
    if found is None:
        while len(_opened_texts) >= _MOST_KEPT:
            _opened_texts.pop(next(iter(_opened_texts)), None)
        found = _opened_texts[text] = Context(text=text)
    return found


def _scheme_text(name: str, options: dict[str, Any]) -> str:
    model = get_user_model()
    secrets, _ = of_django.secret_keys(question())
    hashers, hasher_tables = of_django.hashers(HASHERS)
    backends, _, _ = of_django.backends()
    lines = of_django.database(model) + secrets + hashers + backends + of_django.requests()
    lines += of_django.sessions(model)[0] + of_django.changed(of_django.CSRF)
    lines += of_django.users(model) + hasher_tables
    if options:
        lines += table(f"schemes.{name}", {"type": name, **options})
    lines += table("chains.default", {"schemes": [name], "anonymous": "allow"})
    return _with_own("\n".join(lines) + "\n")


def _with_own(text: str) -> str:
    """The text, with what the project adds."""
    top = [setting(key, value) for key, value in option("OPTIONS", {}).items()]
    return "\n".join([*top, text, str(option("TABLES", ""))])


def _forget(**_: object) -> None:
    _made.clear()


setting_changed.connect(_forget, dispatch_uid="authchain")
