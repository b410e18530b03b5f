"""Django itself: the database, secrets, hashers, backends, requests, sessions, users and URL patterns."""
# mypy: ignore-errors
import math
import os
import re

if __package__:
    from .writing import Unfit, changes, column, dotted, hides_rows, note, quoted, setting, table, text


def database(user_model):
    from django.db import connections, router
    connection = connections[router.db_for_read(user_model)]
    if connection.vendor != "sqlite":
        raise Unfit("the users are in a %s database; this version of authchain opens SQLite files only"
                    % connection.vendor)
    name = str(connection.settings_dict["NAME"])
    if not name or ":memory:" in name or name.startswith("file:"):
        raise Unfit("the database %r is no file (authchain needs one that it can open too)" % name)
    lines = [setting("database", "sqlite:" + os.path.abspath(name))]
    timeout = connection.settings_dict.get("OPTIONS", {}).get("timeout")
    if timeout is not None:
        lines.append(setting("timeout", max(0, min(600, math.ceil(timeout)))))
    return lines + zone(connection)


def zone(connection):
    from django.conf import settings
    if settings.USE_TZ and connection.timezone_name == "UTC":
        from django.apps import apps
        shown = settings.TIME_ZONE != "UTC" and (apps.is_installed("knox") or apps.is_installed("durin"))    # which tell the end of tokens
        return [setting("use_tz", True)] + ([setting("time_zone", settings.TIME_ZONE)] if shown else [])
    # also a database with a TIME_ZONE of its own
    return [setting("use_tz", False), setting("time_zone", connection.timezone_name)]


def secret_keys(question):
    """The lines, and the secrets that go into files of their own, the present one first."""
    from django.conf import settings
    secrets = [text(secret) for secret in [settings.SECRET_KEY] + list(settings.SECRET_KEY_FALLBACKS)]
    if question["print_secret"]:
        forms = list(map(quoted, secrets))
    elif question["secret_file"]:
        forms = ["{ file = %s }" % quoted(name) for name in names(question["secret_file"], len(secrets))]
    else:
        forms = ["{ env = %s }" % quoted(name) for name in names("AUTHCHAIN_SECRET_KEY", len(secrets))]
    lines = ["secret_key = " + forms[0]]
    if not question["print_secret"] and not question["secret_file"]:
        lines.insert(0, note("SECRET_KEY stands in the environment of every host; or see --secret-file."))
    if forms[1:]:
        lines.append("secret_key_fallbacks = [%s]" % ", ".join(forms[1:]))
    return lines, secrets if question["secret_file"] else []


def names(first, count):
    """The names of secrets: the present one's, and those of its fallbacks. Rust makes the same ones."""
    return [first] + ["%s_FALLBACK_%d" % (first, number) for number in range(1, count)]


def hashers(known):
    """The line, notes, and a table for each hasher with other costs than authchain's own."""
    from django.contrib.auth.hashers import get_hashers
    names, notes, tables = [], [], []
    for hasher in get_hashers():
        cls, costs = type(hasher), known.get(hasher.algorithm)
        stock = next((c for c in cls.__mro__ if c.__module__ == "django.contrib.auth.hashers"), object)
        if costs is None or changes(cls, stock) - set(costs) - {"algorithm"}:
            notes.append(note("PASSWORD_HASHERS: %s is left out: authchain does not know it" % dotted(cls)))
            continue
        if hasher.algorithm in names:
            notes.append(note("PASSWORD_HASHERS: %s is left out: a second %s" % (dotted(cls), hasher.algorithm)))
            continue
        names.append(hasher.algorithm)
        changed = {name: getattr(hasher, name) for name, cost in costs.items() if getattr(hasher, name) != cost}
        if changed:
            tables += table("hashers." + hasher.algorithm, changed)
    if not names:
        raise Unfit("PASSWORD_HASHERS has no hasher that authchain knows (%s)" % ", ".join(known))
    return notes + [setting("password_hashers", names)], tables


def backends():
    """The lines; whether there is a backend that checks passwords as authchain does; whether there is
    one for remote users, and if so whether it makes unknown ones (else None)."""
    from django.conf import settings
    from django.contrib.auth.backends import ModelBackend, RemoteUserBackend
    from django.utils.module_loading import import_string
    prefix, known, lines, has_passwords, makes_users = "django.contrib.auth.backends.", [], [], False, None
    for path in settings.AUTHENTICATION_BACKENDS:
        cls, name = import_string(path), path[len(prefix):] if path.startswith(prefix) else ""
        is_remote = isinstance(cls, type) and issubclass(cls, RemoteUserBackend)
        if name in ("ModelBackend", "AllowAllUsersModelBackend"):
            known, has_passwords = known + [name], True
        elif path == OURS:                                 # checks passwords as ModelBackend does
            known, has_passwords = known + [path, "ModelBackend"], True
        elif name in ("RemoteUserBackend", "AllowAllUsersRemoteUserBackend"):
            known, makes_users = known + [name], True if makes_users is None else makes_users
        elif is_remote and changes(cls, RemoteUserBackend) <= {"create_unknown_user"}:
            known += [path, "RemoteUserBackend"]
            makes_users = cls.create_unknown_user if makes_users is None else makes_users
        elif is_believed(cls, ModelBackend):
            known.append(path)
            lines.append(note("AUTHENTICATION_BACKENDS: %s counts for sessions only: authchain does not ask it" % path))
        else:
            lines.append(note("AUTHENTICATION_BACKENDS: %s is left out: authchain does not know it" % path))
    if known:
        lines.append(setting("authentication_backends", list(dict.fromkeys(known))))
    return lines, has_passwords, makes_users


OURS = "authchain.django.backends.Backend"


def is_believed(cls, stock):
    """Whether the sessions of a backend are those of any active user: what `get_user` says is not its own."""
    return all(getattr(cls, name, None) is getattr(stock, name) for name in ("get_user", "user_can_authenticate"))


def or_empty(value):
    """A text that may be None or False."""
    return value or ""


# Django's setting and what becomes of its value; the key is the setting in lower case.
REQUESTS = {"USE_X_FORWARDED_HOST": bool, "USE_X_FORWARDED_PORT": bool,
            "SECURE_PROXY_SSL_HEADER": lambda value: list(value or [])}
COOKIE = {"NAME": str, "DOMAIN": or_empty, "PATH": or_empty, "SECURE": bool, "HTTPONLY": bool, "SAMESITE": or_empty}
SESSIONS = dict({"SESSION_COOKIE_" + name: change for name, change in COOKIE.items()}, SESSION_COOKIE_AGE=int,
                SESSION_SAVE_EVERY_REQUEST=bool, SESSION_EXPIRE_AT_BROWSER_CLOSE=bool)
CSRF = dict({"CSRF_COOKIE_" + name: change for name, change in COOKIE.items()},
            CSRF_COOKIE_AGE=lambda value: int(value or 0), CSRF_TRUSTED_ORIGINS=list, CSRF_USE_SESSIONS=bool,
            CSRF_HEADER_NAME=str)


def changed(known):
    """The lines of settings that are not Django's defaults, which are authchain's too."""
    from django.conf import global_settings, settings
    values = {name: change(getattr(settings, name)) for name, change in known.items()}
    usual = {name: change(getattr(global_settings, name)) for name, change in known.items()}
    return [setting(name.lower(), value) for name, value in values.items() if value != usual[name]]


def requests():
    from django.conf import settings
    hosts, lines = list(settings.ALLOWED_HOSTS), changed(REQUESTS)
    if lines:
        lines = [note("Django believes these headers from everybody; authchain from these proxies only:"),
                 note('trusted_proxies = ["127.0.0.1", "::1"]')] + lines
    if not hosts and settings.DEBUG:
        hosts = [".localhost", "127.0.0.1", "[::1]"]       # as Django takes it (HttpRequest.get_host)
    return ([setting("allowed_hosts", hosts)] if hosts != ["*"] else []) + lines


def sessions(user_model):
    """The lines, and why sessions cannot be read here (None if they can)."""
    from django.conf import settings
    prefix, engine, lines = "django.contrib.sessions.backends.", settings.SESSION_ENGINE, changed(SESSIONS)
    name = engine[len(prefix):] if engine.startswith(prefix) else ""
    why = unreadable(name, user_model)
    if name == "cache":
        lines.append(note('session_engine = "cache"  # refused: its sessions are pickles, which only Python may read; '
                          'with cached_db Django also writes the database'))
    elif name not in ("db", "cached_db", "file", "signed_cookies"):
        lines.append(note("SESSION_ENGINE: %s is left out: authchain does not know it" % engine))
    elif name != "db":
        lines.append(setting("session_engine", name))
    if name == "file":
        import tempfile
        folder = settings.SESSION_FILE_PATH or tempfile.gettempdir()
        lines.append(setting("session_file_path", os.path.abspath(folder)))
    return lines, why


def unreadable(engine, user_model):
    from django.apps import apps
    from django.conf import settings
    from django.db import router
    if engine not in ("db", "cached_db", "file", "signed_cookies"):
        return "authchain cannot read the sessions of %s" % settings.SESSION_ENGINE
    if settings.SESSION_SERIALIZER != "django.contrib.sessions.serializers.JSONSerializer":
        return "authchain reads sessions in JSON only, not of %s" % settings.SESSION_SERIALIZER
    for middleware in ("django.contrib.sessions.middleware.SessionMiddleware",
                       "django.contrib.auth.middleware.AuthenticationMiddleware"):
        if middleware not in settings.MIDDLEWARE:
            return "MIDDLEWARE has no %s" % middleware
    if engine in ("db", "cached_db"):
        if not apps.is_installed("django.contrib.sessions"):
            return "django.contrib.sessions is not installed"
        if router.db_for_read(apps.get_model("sessions", "Session")) != router.db_for_read(user_model):
            return "the sessions are in another database than the users"
    return None


def id_type(model):
    from django.db import models
    pk = model._meta.pk
    if model._meta.parents:
        raise Unfit("%s keeps its fields in several tables; authchain reads one" % dotted(model))
    if isinstance(pk, models.UUIDField):
        return "uuid"
    if isinstance(pk, (models.AutoField, models.IntegerField)):
        return "integer"
    raise Unfit("the key of %s is a %s; authchain knows numbers and UUIDs" % (dotted(model), type(pk).__name__))


def users(model):
    from django.contrib.auth.models import User
    if model is User:
        return []
    names = {
        "table": model._meta.db_table,
        "id_type": id_type(model),
        "id_column": model._meta.pk.column,
        "username_column": column(model, model.USERNAME_FIELD),
        "password_column": column(model, "password"),
        "email_column": column(model, model.get_email_field_name()),
    }
    for name in ("is_active", "is_staff", "is_superuser", "date_joined", "last_login"):
        names[name + "_column"] = column(model, name)
    if not names["is_active_column"] and getattr(model, "is_active", None) is not True:
        raise Unfit("%s.is_active is no field; authchain would take every user for active" % dotted(model))
    names["empty_columns"], notes = required(model, list(names.values()))
    names.update(groups(model))
    return table("users", names) + notes


def own_rules(model):
    """Why passwords, and why sessions, of a user model are not what the table says; None where they are."""
    from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
    if hides_rows(model._default_manager):
        raise Unfit("the default manager of %s has a get_queryset of its own; authchain reads every row of the table"
                    % dotted(model))
    changed = changes(model, AbstractBaseUser) if issubclass(model, AbstractBaseUser) else {"check_password"}
    finds = getattr(type(model._default_manager), "get_by_natural_key", None)
    passwords = sessions = None
    if changed & {"check_password", "acheck_password"}:
        passwords = "%s has a check_password of its own" % dotted(model)
    elif finds is not BaseUserManager.get_by_natural_key:
        passwords = "the manager of %s finds names by a rule of its own" % dotted(model)
    if changed & {"get_session_auth_hash", "get_session_auth_fallback_hash", "_get_session_auth_hash"}:
        sessions = "%s has a get_session_auth_hash of its own" % dotted(model)
    return passwords, sessions


def required(model, named):
    """Text columns that a new user gets as empty texts, and notes on what cannot be filled."""
    from django.db.models import NOT_PROVIDED
    empty, notes = [], []
    for field in model._meta.concrete_fields:
        filled = getattr(field, "generated", False) or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
        if field.null or field.primary_key or filled or field.column in named:
            continue
        if field.get_default() == "" and not field.unique:
            empty.append(field.column)
        else:
            notes.append(note("%s cannot be filled by `authchain user create`" % field.column))
    return empty, notes


def groups(model):
    """How users and groups are joined; nothing when the model has no groups of Django's."""
    from django.contrib.auth.models import Group
    from django.core.exceptions import FieldDoesNotExist
    try:
        field = model._meta.get_field("groups")
    except FieldDoesNotExist:
        return {}
    if not field.many_to_many or field.related_model is not Group:
        return {}
    return {"groups_table": field.m2m_db_table(), "groups_user_column": field.m2m_column_name()}


def views(patterns, prefix):
    """Path and class of every class-based view whose path has no variables."""
    for pattern in patterns:
        path = fixed(pattern.pattern)
        if path is None:
            continue
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns, prefix + path)
        else:
            yield prefix + path, getattr(pattern.callback, "cls", None)


def fixed(pattern):
    """The path that a pattern matches, if it is one; of a regular expression only its anchors are understood."""
    from django.urls.resolvers import RegexPattern
    path = str(pattern)
    if isinstance(pattern, RegexPattern):
        path = path.removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        return path if re.fullmatch(r"[\w/-]*", path) else None
    return None if pattern.converters else path
