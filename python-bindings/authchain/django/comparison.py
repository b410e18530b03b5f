"""What a configuration file says otherwise than the settings of the project."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

_USUAL: Final[dict[str, Any]] = {
    "use_tz": True,
    "password_hashers": ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt"],
    "authentication_backends": ["ModelBackend", "RemoteUserBackend"],
}
"""What a key means that a file does not have, of those that are printed always."""

_SECRETS: Final = ("secret_key", "secret_key_fallbacks")


class Unreadable(Exception):
    """The file cannot be compared; the text says why."""


def differences(made: str, path: Path) -> list[str]:
    """A line for each key that the settings say and the file does not, or says otherwise. What the file
    has besides is its own affair, and so are its chains and schemes. No line shows a secret."""
    toml = _parser()
    expected = toml.loads(made)
    try:
        found = toml.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return list(_compared(expected, found, path.parent))


def _compared(expected: dict[str, Any], found: dict[str, Any], folder: Path) -> Iterator[str]:
    for key, value in expected.items():
        if key in ("chains", "schemes", "endpoints"):
            continue
        if key in _SECRETS:
            if _secrets(value, folder) != _secrets(found.get(key), folder):
                yield f"{key} is not that of the settings"
        elif isinstance(value, dict):
            inner = found.get(key)
            for line in _compared(value, inner if isinstance(inner, dict) else {}, folder):
                yield f"{key}.{line}"
        elif key == "database":
            if _database(value, folder) != _database(found.get(key), folder):
                yield f"database is {found.get(key)!r}, the settings say {value!r}"
        elif found.get(key, _USUAL.get(key)) != value:
            yield f"{key} is {found[key]!r}, the settings say {value!r}" if key in found else (
                f"{key} is missing, the settings say {value!r}"
            )


def _database(value: object, folder: Path) -> object:
    path = str(value).removeprefix("sqlite:")
    return os.path.realpath(folder / path)


def _secrets(value: Any, folder: Path) -> list[str | None]:
    values = value if isinstance(value, list) else [value]
    return [_secret(one, folder) for one in values]


def _secret(value: object, folder: Path) -> str | None:
    """The secret itself; None when it cannot be read here, which is no secret's value."""
    if isinstance(value, dict) and "env" in value:
        return os.environ.get(value["env"])
    if isinstance(value, dict) and "file" in value:
        try:
            return (folder / str(value["file"])).read_text().rstrip("\r\n")
        except OSError:
            return None
    return value if isinstance(value, str) else None


def _parser() -> Any:
    """Python's own from 3.11, or `tomli`."""
    for name in ("tomllib", "tomli"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise Unreadable("Python 3.10 reads no TOML; install tomli")
