"""The application, for INSTALLED_APPS."""
# mypy: disable-error-code="import-untyped", allow-subclassing-any

from django.apps import AppConfig
from django.core.checks import Tags, register


class AuthchainConfig(AppConfig):
    """Registers the system checks."""

    name = "authchain.django"
    label = "authchain"
    verbose_name = "authchain"

    def ready(self) -> None:
        """Django calls it when all applications are loaded."""
        from .checks import check_configuration

        register(check_configuration, Tags.security)
