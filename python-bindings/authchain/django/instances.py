"""Users and tokens of a verdict as instances of the project's models."""
# mypy: disable-error-code="import-untyped"

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import router
from django.db.models import DEFERRED, Model
from django.db.models.base import ModelState
from django.db.models.signals import post_init, pre_init

from .. import _ffi
from ..verdict import User

_FLAGS: Final = {
    "is_active": _ffi.USER_ACTIVE,
    "is_staff": _ffi.USER_STAFF,
    "is_superuser": _ffi.USER_SUPERUSER,
}


NO_ROW: Final = ImproperlyConfigured("a scheme of the chain is stateless: its users are in no table")
"""Whoever has the key of a claimed user in the database may be somebody else."""


class Users:
    """Makes users of what the library read of their row, without a query. Fields that it does not read are
    deferred: Django loads them when they are looked at."""

    __slots__ = ("_by_flags", "_email", "_key", "_made", "_name", "_pk", "database", "model")

    def __init__(self) -> None:
        self.model: Final[Any] = get_user_model()
        self.database: Final[str] = router.db_for_read(self.model)
        self._made: Final = Rows(self.model, self.database)
        sources = _sources(self.model)
        self._pk: Final[str] = self.model._meta.pk.attname
        self._key: Final[Callable[[str], Any]] = self.model._meta.pk.to_python
        self._name: Final = next((field for field, source in sources.items() if source == "name"), None)
        self._email: Final = next((field for field, source in sources.items() if source == "email"), None)
        booleans = {field: source for field, source in sources.items() if isinstance(source, int)}
        texts: dict[str, Any] = {field: None for field in (self._pk, self._name, self._email) if field is not None}
        self._by_flags: Final[list[dict[str, Any]]] = [
            {**texts, **{field: flags & flag != 0 for field, flag in booleans.items()}, "_state": None}
            for flags in range(sum(_FLAGS.values()) + 1)
        ]
        """Copies have room for all that there will be, and never grow."""

    def made(self, id: str, name: str, email: str, flags: int) -> Any:
        """The instance of a row. ImproperlyConfigured: there is none, because the chain believes a token."""
        if flags & _ffi.USER_CLAIMED:
            raise NO_ROW
        known = self._by_flags[flags].copy()
        if self._email is not None:
            known[self._email] = email
        if self._name is not None:
            known[self._name] = name
        known[self._pk] = self._key(id)
        return self._made(known, {})

    def of(self, user: User) -> Any:
        """The instance of the user of a verdict."""
        said = (user.is_active, user.is_staff, user.is_superuser, user.is_claimed)
        flags = sum(flag for flag, is_set in zip((*_FLAGS.values(), _ffi.USER_CLAIMED), said, strict=True) if is_set)
        return self.made(user.id or "", user.name, user.email, flags)

    def whole(self, user: User) -> Any:
        """The same with all its fields, by a query; None when it is gone or inactive meanwhile."""
        if user.is_claimed:
            raise NO_ROW
        return self.queried(user.id or "")

    def queried(self, id: str) -> Any:
        """The instance of a key, likewise."""
        user = self.model._base_manager.using(self.database).filter(pk=self._key(id)).first()
        return user if user is not None and user.is_active else None


class Tokens:
    """Makes tokens of their key and user."""

    __slots__ = ("_key", "_made", "_related", "_target", "_user", "database", "model")

    def __init__(self, model: Any) -> None:
        self.model: Final = model
        self.database: Final[str] = router.db_for_read(model)
        self._made: Final = Rows(model, self.database)
        field = model._meta.get_field("user")
        self._user: Final[str] = field.attname
        self._target: Final[str] = field.target_field.attname
        self._key: Final[str] = model._meta.get_field("key").attname
        name: str | None = getattr(field, "cache_name", None)
        self._related: Final[str] = name or str(field.get_cache_name())  # a method until Django 5.1

    def made(self, key: str, user: Any) -> Any:
        """The instance of a row, which knows its user. The user does not know its token: such a ring
        lives until the garbage collector comes, with every request."""
        return self._made({self._key: key, self._user: getattr(user, self._target)}, {self._related: user})

    def queried(self, key: str) -> Any:
        """The instance with all its fields, by DRF's query; None when it is gone meanwhile."""
        return self.model.objects.select_related("user").filter(key=key).first()


class Rows:
    """Makes instances of rows of which some fields are known: what `Model.from_db` makes.

    Where neither the model nor a receiver of `pre_init` or `post_init` would notice, the instance is made
    as Django's unpickling makes one, which takes a fifth of the time.
    """

    __slots__ = ("_database", "_fields", "_is_plain", "_model")

    def __init__(self, model: Any, database: str) -> None:
        self._model: Final = model
        self._database: Final = database
        self._fields: Final = [field.attname for field in model._meta.concrete_fields]
        self._is_plain: Final = (
            model.__init__ is Model.__init__
            and model.__new__ is object.__new__
            and model.__setattr__ is object.__setattr__
            and model.from_db.__func__ is Model.from_db.__func__
        )

    def __call__(self, known: dict[str, Any], related: dict[str, Any]) -> Any:
        """`related` are the instances that relations of this one lead to."""
        model = self._model
        if not self._is_plain or _listens(pre_init, model) or _listens(post_init, model):
            values = [known.get(name, DEFERRED) for name in self._fields]
            instance = model.from_db(self._database, self._fields, values)
            instance._state.fields_cache.update(related)
            return instance
        instance = object.__new__(model)
        state = known["_state"] = object.__new__(ModelState)
        state.__dict__ = {"adding": False, "db": self._database, "fields_cache": related}
        instance.__dict__ = known
        return instance


def _listens(signal: Any, model: Any) -> bool:
    """As `Signal.has_listeners`, which costs more than the instance: where nobody listens to anything."""
    return bool(signal.receivers) and bool(signal.has_listeners(model))


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
