"""django-rest-knox's `TokenAuthentication`, decided by the library.

    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["authchain.knox.KnoxTokenAuthentication"]}

A subclass of knox's class: same answers, same instances of the project's models, same signals. The configuration
is the project's settings, REST_KNOX among them. Knox's views name knox's class themselves: give theirs
(`LogoutView`, `LogoutAllView`) this one as `authentication_classes`. Ends of tokens are put off, and expired tokens
deleted, by the library.
"""
# mypy: disable-error-code="import-untyped", allow-untyped-calls, allow-subclassing-any

from typing import Any, ClassVar, Final

from django.db import router
from django.utils.translation import gettext_lazy
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import get_token_model
from knox.settings import CONSTANTS
from rest_framework import exceptions

from .django import configuration
from .django.from_django import of_knox
from .django.instances import Rows
from .drf import _Announced, _Source
from .verdict import User

__all__ = ["KnoxTokenAuthentication"]


class KnoxTokenAuthentication(_Announced, TokenAuthentication):
    """Knox's `TokenAuthentication`."""

    _decides: ClassVar[tuple[str, ...]] = (
        "authenticate_credentials",
        "renew_token",
        "validate_user",
        "_cleanup_token",
    )

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        options = of_knox.knox_options()
        if options is None:
            raise configuration.Unfit("REST_KNOX has settings, or the tokens a manager, that authchain does not know")
        return "knox", options

    def _key(self) -> tuple[object, ...]:
        return ("knox",)

    def _source(self) -> "_KnoxSource":
        return configuration.kept(self._key(), lambda: _KnoxSource(*self._scheme()))

    def _instances(self, source: "_KnoxSource", token: str, user: User) -> tuple[Any, Any]:
        if source.exact:
            return source.knox.queried(token)
        owner = source.users.of(user)
        return owner, source.knox.made(token, owner)


class _KnoxSource(_Source):
    """With the maker of tokens."""

    __slots__ = ("knox",)

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__(name, options)
        self.knox: Final = _Tokens()


class _Tokens:
    """Makes instances of tokens; what the library did not say of them is deferred."""

    __slots__ = ("_made", "_model", "_target")

    def __init__(self) -> None:
        self._model: Final = get_token_model()
        self._made: Final = Rows(self._model, router.db_for_read(self._model))
        self._target: Final[str] = self._model._meta.get_field("user").target_field.attname

    def made(self, token: str, user: Any) -> Any:
        """The instance of a row, which knows its user."""
        known = {"digest": hash_token(token), "token_key": token[: CONSTANTS.TOKEN_KEY_LENGTH]}
        return self._made({**known, "user_id": getattr(user, self._target)}, {"user": user})

    def queried(self, token: str) -> tuple[Any, Any]:
        """The user and the token with all their fields, by knox's queries. What knox's third would be for, to look
        for expired tokens, is done already."""
        digest = hash_token(token)
        key = token[: CONSTANTS.TOKEN_KEY_LENGTH]
        for row in self._model.objects.filter(token_key=key).select_related("user"):
            list(row.user.auth_token_set.all())
            if row.digest == digest and row.user.is_active:
                return row.user, row
        raise exceptions.AuthenticationFailed(gettext_lazy("Invalid token."))  # changed since
