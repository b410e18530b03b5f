"""django-rest-durin's `TokenAuthentication`, decided by the library.

    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["authchain.durin.DurinTokenAuthentication"]}

A subclass of durin's class: same answers, same instances of the project's models, same signals. The configuration
is the project's settings, REST_DURIN among them; durin's views have it before them when it is a default class. What
its clients may do stays with durin's permissions and throttles, which DRF asks after this class. The library deletes
expired tokens. It has no cache: it stands for durin's `CachedTokenAuthentication`, too, and refuses a deleted token at
once.
"""
# mypy: disable-error-code="import-untyped", allow-untyped-calls, allow-subclassing-any

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy
from durin.auth import TokenAuthentication
from durin.models import AuthToken
from durin.settings import durin_settings
from rest_framework import exceptions

from .django import configuration
from .django.from_django import of_durin
from .drf import _Announced, _Source
from .verdict import User

__all__ = ["DurinTokenAuthentication"]


class DurinTokenAuthentication(_Announced, TokenAuthentication):
    """Durin's `TokenAuthentication`."""

    _decides: ClassVar[tuple[str, ...]] = ("authenticate_credentials", "validate_user", "_cleanup_token")

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        options = of_durin.durin_options()
        if options is None:
            raise configuration.Unfit("the tokens or clients of durin have a manager that may hide rows")
        return "durin", options

    def _key(self) -> tuple[object, ...]:
        return ("durin",)

    def _instances(self, source: _Source, token: str, user: User) -> tuple[Any, Any]:
        """By durin's query: the verdict does not say the key of the row, by which Django would load the rest of it."""
        related = durin_settings.AUTHTOKEN_SELECT_RELATED_LIST
        rows = AuthToken.objects.select_related(*related) if isinstance(related, list) else AuthToken.objects
        row = rows.filter(token=token).first()
        if row is None:  # deleted since
            raise exceptions.AuthenticationFailed(gettext_lazy("Invalid token."))
        if not row.user.is_active:
            raise exceptions.AuthenticationFailed(gettext_lazy("User inactive or deleted."))
        return row.user, row
