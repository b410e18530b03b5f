"""Users and tokens of a verdict as instances of the project's models."""
# mypy: disable-error-code="import-untyped"

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.db.models import DEFERRED

from .. import _ffi
from ..verdict import User

_FLAGS: Final = {
    "is_active": _ffi.USER_ACTIVE,
    "is_staff": _ffi.USER_STAFF,
    "is_superuser": _ffi.USER_SUPERUSER,
}


class Users:
    """Makes users of what the library read of their row (`Model.from_db`), without a query. Fields that
    it does not read are deferred: Django loads them when they are looked at."""

    __slots__ = ("_fields", "_key", "_names", "database", "model")

    def __init__(self) -> None:
        self.model: Final[Any] = get_user_model()
        self.database: Final[str] = router.db_for_read(self.model)
        sources = _sources(self.model)
        fields = self.model._meta.concrete_fields
        self._names: Final = [field.attname for field in fields]
        self._fields: Final = [sources.get(field.attname) for field in fields]
        self._key: Final[Callable[[str], Any]] = self.model._meta.pk.to_python

    def made(self, id: str, name: str, email: str, flags: int) -> Any:
        """The instance of a row."""
        known = {"id": self._key(id), "name": name, "email": email}
        values = [
            DEFERRED if source is None else known[source] if isinstance(source, str) else flags & source != 0
            for source in self._fields
        ]
        return self.model.from_db(self.database, self._names, values)

    def of(self, user: User) -> Any:
        """The instance of the user of a verdict."""
        said = (user.is_active, user.is_staff, user.is_superuser)
        flags = sum(flag for flag, is_set in zip(_FLAGS.values(), said) if is_set)
        return self.made(user.id or "", user.name, user.email, flags)

    def queried(self, id: str) -> Any:
        """The instance with all its fields, by a query; None when it is gone meanwhile."""
        manager = self.model._base_manager.using(self.database)
        return manager.filter(pk=self._key(id)).first()


class Tokens:
    """Makes tokens of their key and user."""

    __slots__ = ("_fields", "_is_unique", "_names", "_user", "database", "model")

    def __init__(self, model: Any) -> None:
        self.model: Final = model
        self.database: Final[str] = router.db_for_read(model)
        fields = model._meta.concrete_fields
        self._names: Final = [field.attname for field in fields]
        self._fields: Final = [field.name for field in fields]
        self._user: Final = model._meta.get_field("user")
        self._is_unique: Final[bool] = self._user.unique

    def made(self, key: str, user: Any) -> Any:
        """The instance of a row, joined with its user as by `select_related`."""
        known = {"key": key, "user": user.pk}
        token = self.model.from_db(self.database, self._names, [known.get(name, DEFERRED) for name in self._fields])
        self._user.set_cached_value(token, user)
        if self._is_unique:
            self._user.remote_field.set_cached_value(user, token)
        return token

    def queried(self, key: str) -> Any:
        """The instance with all its fields, by DRF's query; None when it is gone meanwhile."""
        return self.model.objects.select_related("user").filter(key=key).first()


def _sources(model: Any) -> dict[str, str | int]:
    """Which value of a verdict a field has: by the names of `known`, or a flag."""
    sources: dict[str, str | int] = {model._meta.pk.attname: "id"}
    named: list[tuple[str, str | int]] = [(model.USERNAME_FIELD, "name"), (model.get_email_field_name(), "email")]
    for name, source in named + list(_FLAGS.items()):
        field = _field(model, name)
        if field is not None and not (name == model.get_email_field_name() and field.null):
            sources.setdefault(field.attname, source)
    return sources


def _field(model: Any, name: str) -> Any:
    """The field, if what is stored is what an instance has."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    is_plain = field.concrete and not field.is_relation and not hasattr(field, "from_db_value")
    return field if is_plain else None
