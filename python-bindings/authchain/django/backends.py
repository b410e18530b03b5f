"""An authentication backend that checks passwords by the library."""
# mypy: disable-error-code="import-untyped", allow-subclassing-any, allow-untyped-calls

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend

from . import configuration
from .instances import Users


class Backend(ModelBackend):
    """Django's `ModelBackend`, permissions included, but that the library checks the password."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """The user, or None. StoreError: the database cannot answer, which is not a wrong password."""
        if username is None:
            username = kwargs.get(get_user_model().USERNAME_FIELD)
        if username is None or password is None:
            return None
        found = configuration.context().check_password(username, password)
        # with all fields: `login` makes the session's hash of the stored password
        return None if found is None else configuration.kept("users", Users).queried(found.id or "")
