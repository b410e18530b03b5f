"""`manage.py authchain_config`: what `authchain from-django` prints, from inside the project."""
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ... import configuration
from ...comparison import Unreadable, differences
from ...from_django import made as made_of_settings
from ...from_django.of_django import names as names_of_secrets


class Command(BaseCommand):
    """Prints a configuration, or compares a file with it."""

    help = "Prints the authchain.toml of this project's settings, or compares a file with them."

    def add_arguments(self, parser: Any) -> None:
        """The options of `authchain from-django`, and --check."""
        parser.add_argument("--check", metavar="FILE", help="Say what this file says otherwise than the settings")
        secrets = parser.add_mutually_exclusive_group()
        secrets.add_argument("--secret-file", metavar="FILE", help="Write SECRET_KEY into this new file")
        secrets.add_argument("--print-secret", action="store_true", help="Print SECRET_KEY itself")

    def handle(self, *_: object, **options: Any) -> None:
        """Exit status 1: there are differences, or it cannot be done."""
        try:
            if options["check"]:
                return self._check(Path(options["check"]))
            file = options["secret_file"] and os.path.abspath(options["secret_file"])
            made = made_of_settings(configuration.question(file or "", options["print_secret"]))
        except (configuration.Unfit, Unreadable) as error:
            raise CommandError(str(error)) from error
        names = names_of_secrets(file or "", len(made["secrets"]))
        for name, secret in zip(names, made["secrets"], strict=False):
            _write(Path(name), secret)
        signing_key = made["signing_key"]
        if file and signing_key["form"]:
            _write(Path(file + "_SIGNING_KEY"), signing_key["key"].rstrip("\r\n"))
        self.stdout.write(made["config"].rstrip())

    def _check(self, path: Path) -> None:
        told = differences(configuration.made_text(), path)
        if told:
            raise CommandError("\n".join(f"{path}: {line}" for line in told))
        self.stdout.write(f"{path} says what the settings say")


def _write(path: Path, secret: str) -> None:
    """For its owner only; a file that is there stays."""
    if secret.endswith(("\n", "\r")):
        raise CommandError("SECRET_KEY ends with a line break, which a file cannot hold (use --print-secret)")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
