"""Makes authchain.toml of a Django project's settings.

Run by `authchain from-django` with the project's own Python, alone, and imported by this package. One
argument: what is asked, as JSON (settings, path, secret_file, print_secret, hashers). One JSON object
on standard output: `config` and, for a secret file, `secrets`; or `error`. What authchain cannot
imitate becomes a comment.
"""
# mypy: ignore-errors
import json
import math
import os
import re
import sys


class Unfit(Exception):
    """The project cannot be configured; the text says why and what to do."""


# ---------------------------------------------------------------- TOML
def quoted(value):
    """A TOML string: JSON's, but that DEL is escaped."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


class Form(str):
    """A value as it is written."""


def toml(value):
    if isinstance(value, Form):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join(map(toml, value))
    return quoted(value)


def setting(key, value):
    return "%s = %s" % (key, toml(value))


def note(text):
    """A comment of one line, whatever is in the text."""
    return "# " + re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", str(text))


def table(name, values):
    return ["", "[%s]" % name] + [setting(key, value) for key, value in values.items()]


def dotted(cls):
    return "%s.%s" % (getattr(cls, "__module__", "?"), getattr(cls, "__qualname__", cls))


OWN_CLASSES = ("authchain.drf", "authchain.knox", "authchain.simplejwt")


def changes(cls, stock):
    """The names that `cls` says anew above `stock`, which it inherits from. Ours say what it says."""
    between = cls.__mro__[:cls.__mro__.index(stock)]
    return {name for part in between if part.__module__ not in OWN_CLASSES for name in vars(part)
            if name not in ("__module__", "__doc__", "__qualname__", "__firstlineno__", "__static_attributes__")}


# ---------------------------------------------------------------- top of the file
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


def text(secret):
    return secret.decode() if isinstance(secret, bytes) else str(secret)


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


# ---------------------------------------------------------------- requests, sessions, CSRF
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


# ---------------------------------------------------------------- [users]
def column(model, name):
    """The column of a field; "" when the model has none of that name."""
    from django.core.exceptions import FieldDoesNotExist
    try:
        return model._meta.get_field(name).column or ""
    except FieldDoesNotExist:
        return ""


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


def hides_rows(manager):
    """Whether a manager may leave rows out, which the library, reading the table, would find."""
    from django.db.models.manager import BaseManager
    return type(manager).get_queryset is not BaseManager.get_queryset


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


# ---------------------------------------------------------------- [schemes] and [chains]
def basic(cls):
    """(name, options) of a scheme; None when the class does something of its own."""
    from rest_framework.authentication import BasicAuthentication
    if changes(cls, BasicAuthentication) - {"www_authenticate_realm"}:
        return None
    options = {"www_authenticate_realm": cls.www_authenticate_realm}
    return "basic", {} if cls.www_authenticate_realm == "api" else options


def token(cls, taken):
    """As `basic`. DRF's own class is `token`, others have their class's name."""
    from rest_framework.authentication import TokenAuthentication
    if changes(cls, TokenAuthentication) - {"keyword", "model"}:
        return None
    model = cls().get_model()
    if model._meta.abstract:               # rest_framework.authtoken is not installed
        return None
    if hides_rows(model.objects):
        return None
    options = token_options(cls.keyword, model)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub("Authentication$", "", cls.__name__)).lower()
    name = re.sub(r"[^a-z0-9_]", "_", name)
    while options and (name in taken or name in ("", "basic")):
        name += "_token"
    return (name, dict({} if name == "token" else {"type": "token"}, **options)) if options else ("token", {})


def token_options(keyword, model):
    """The options of a token scheme that are not the usual ones."""
    options = {
        "keyword": keyword,
        "table": model._meta.db_table,
        "key_column": column(model, "key"),
        "user_column": column(model, "user"),
        "created_column": column(model, "created") or "created",
    }
    usual = {"keyword": "Token", "table": "authtoken_token", "key_column": "key", "user_column": "user_id",
             "created_column": "created"}
    return {name: value for name, value in options.items() if value != usual[name]}


KNOX_HASHES = ["hashlib." + name for name in ("sha512", "sha384", "sha256", "sha224", "sha3_512", "sha3_384", "sha3_256")]


def is_knox(cls):
    return any(part.__module__ == "knox.auth" and part.__name__ == "TokenAuthentication" for part in cls.__mro__)


def seconds(duration):
    return 0 if duration is None else math.ceil(duration.total_seconds())


def knox(cls):
    """As `basic`."""
    from knox.auth import TokenAuthentication
    options = None if changes(cls, TokenAuthentication) else knox_options()
    return None if options is None else ("knox", options)


def knox_options():
    """The options of REST_KNOX; None for what the library does not know."""
    from knox.models import get_token_model
    from knox.settings import knox_settings
    own = knox_settings.user_settings.get("SECURE_HASH_ALGORITHM", "hashlib.sha512")
    # No limit at all is None: with 0 nobody gets a token.
    if own not in KNOX_HASHES or knox_settings.TOKEN_LIMIT_PER_USER == 0 or hides_rows(get_token_model().objects):
        return None
    options = {
        "auth_header_prefix": knox_settings.AUTH_HEADER_PREFIX,
        "secure_hash_algorithm": own,
        "auth_token_character_length": max(32, knox_settings.AUTH_TOKEN_CHARACTER_LENGTH),
        "token_prefix": knox_settings.TOKEN_PREFIX,
        "token_ttl": seconds(knox_settings.TOKEN_TTL),
        "token_limit_per_user": knox_settings.TOKEN_LIMIT_PER_USER or 0,
        "auto_refresh": bool(knox_settings.AUTO_REFRESH),
        "auto_refresh_max_ttl": seconds(knox_settings.AUTO_REFRESH_MAX_TTL),
        "min_refresh_interval": math.ceil(knox_settings.MIN_REFRESH_INTERVAL),
        "table": get_token_model()._meta.db_table,
    }
    usual = {"auth_header_prefix": "Token", "secure_hash_algorithm": "hashlib.sha512", "auth_token_character_length": 64,
             "token_prefix": "", "token_ttl": 36000, "token_limit_per_user": 0, "auto_refresh": False,
             "auto_refresh_max_ttl": 0, "min_refresh_interval": 60, "table": "knox_authtoken"}
    return {name: value for name, value in options.items() if value != usual[name]}


# Paths of Python code; simplejwt's own are what authchain does.
JWT_CODE = ("JSON_ENCODER", "USER_AUTHENTICATION_RULE", "TOKEN_USER_CLASS")
# of the views, and the key, which is a secret
JWT_ELSEWHERE = ("UPDATE_LAST_LOGIN", "SIGNING_KEY")


def is_fetched(url):
    """Whether authchain fetches keys from there: https, or http on this machine."""
    from urllib.parse import urlsplit
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")


def is_jwt(cls):
    return any(part.__module__ == "rest_framework_simplejwt.authentication" for part in cls.__mro__)


def jwt_setting(name, value):
    """A member of SIMPLE_JWT as its option has it."""
    if hasattr(value, "total_seconds"):
        return seconds(value)
    if name == "AUTH_TOKEN_CLASSES":
        return [path.removeprefix("rest_framework_simplejwt.tokens.") for path in value]
    if name in ("AUDIENCE", "AUTH_HEADER_TYPES"):
        return [] if value is None else [value] if isinstance(value, str) else list(value)
    return math.ceil(value) if name == "LEEWAY" and value else 0 if name == "LEEWAY" else "" if value is None else value


def jwt(cls, question):
    """As `basic`; the settings are those of SIMPLE_JWT."""
    from django.apps import apps
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication
    from rest_framework_simplejwt.settings import DEFAULTS, api_settings
    stock = JWTStatelessUserAuthentication if issubclass(cls, JWTStatelessUserAuthentication) else JWTAuthentication
    own = {name: api_settings.user_settings.get(name, usual) for name, usual in DEFAULTS.items()}
    if changes(cls, stock) or any(own[name] != DEFAULTS[name] for name in JWT_CODE):
        return None
    options = {name.lower(): jwt_setting(name, value) for name, value in own.items() if value != DEFAULTS[name]
               and name not in JWT_CODE + JWT_ELSEWHERE and not name.endswith("SERIALIZER")}
    if any("." in name for name in options.get("auth_token_classes", [])):
        return None
    # Where there are several, simplejwt looks at the first of these only: a secret, JWK_URL, VERIFYING_KEY.
    if own["ALGORITHM"].startswith("HS"):
        options.pop("jwk_url", None)
    if own["ALGORITHM"].startswith("HS") or options.get("jwk_url"):
        options.pop("verifying_key", None)
    if not is_fetched(options.get("jwk_url", "https://")):
        return None
    if "user_id_field" in options:
        field = get_user_model()._meta.get_field(own["USER_ID_FIELD"])
        options["user_id_field"] = "id" if field.primary_key else field.column
    has_tables = apps.is_installed("rest_framework_simplejwt.token_blacklist")
    options["blacklist_after_rotation"] = own["BLACKLIST_AFTER_ROTATION"] and has_tables
    options = {name: value for name, value in options.items() if (name, value) != ("blacklist_after_rotation", True)}
    options.update({"blacklist": False} if not has_tables else {}, **({"stateless": True} if stock is JWTStatelessUserAuthentication else {}))
    if own["SIGNING_KEY"] and text(own["SIGNING_KEY"]) != text(settings.SECRET_KEY):
        options["signing_key"] = Form(signing_key(question))
    return "jwt", options


def signing_key(question):
    """How SIGNING_KEY is written where it is another secret than SECRET_KEY. Rust knows these names."""
    from rest_framework_simplejwt.settings import api_settings
    if question["print_secret"]:
        return quoted(text(api_settings.SIGNING_KEY))
    if question["secret_file"]:
        return "{ file = %s }" % quoted(question["secret_file"] + "_SIGNING_KEY")
    return '{ env = "AUTHCHAIN_SIGNING_KEY" }'


def durin_class(cls):
    """The class of durin that `cls` is, or is made of."""
    return next((part for part in cls.__mro__ if part.__module__ == "durin.auth"), None)


def durin(cls):
    """As `basic`; the settings are those of REST_DURIN. The class with a cache is taken without it."""
    from durin.models import AuthToken, Client
    from durin.settings import durin_settings
    if changes(cls, durin_class(cls)) or hides_rows(AuthToken.objects) or hides_rows(Client.objects):
        return None
    options = {
        "auth_header_prefix": durin_settings.AUTH_HEADER_PREFIX,
        "token_character_length": max(32, int(durin_settings.TOKEN_CHARACTER_LENGTH)),
        "default_token_ttl": seconds(durin_settings.DEFAULT_TOKEN_TTL),
        "table": AuthToken._meta.db_table,
        "client_table": Client._meta.db_table,
    }
    usual = {"auth_header_prefix": "Token", "token_character_length": 64, "default_token_ttl": 86400,
             "table": "durin_authtoken", "client_table": "durin_client"}
    options = {name: value for name, value in options.items() if value != usual[name]}
    return "durin", dict(options, **durin_rules())


def durin_rules():
    """What clients may do: options of the default permissions and throttles that are durin's."""
    from durin.permissions import AllowSpecificClients, DisallowSpecificClients
    from durin.throttling import UserClientRateThrottle
    from rest_framework.settings import api_settings
    rules = {}
    for cls in api_settings.DEFAULT_PERMISSION_CLASSES:
        for stock, option, names in ((AllowSpecificClients, "allow_clients", "allowed_clients_name"),
                                     (DisallowSpecificClients, "deny_clients", "disallowed_clients_name")):
            if is_rule(cls, stock, names) and option not in rules:
                rules[option] = [str(name) for name in getattr(cls, names)]
    if UserClientRateThrottle in api_settings.DEFAULT_THROTTLE_CLASSES:
        rules["user_per_client"] = api_settings.DEFAULT_THROTTLE_RATES.get("user_per_client") or "none"
    return rules


def is_rule(cls, stock, names):
    return isinstance(cls, type) and issubclass(cls, stock) and changes(cls, stock) <= {names} and bool(getattr(cls, names))


def session(cls, why):
    """As `basic`; `why` sessions cannot be read."""
    from rest_framework.authentication import SessionAuthentication
    return ("session", {}) if not why and not changes(cls, SessionAuthentication) else None


def remote_user(cls, makes_users):
    """As `basic`; without a backend for remote users Django finds nobody."""
    from rest_framework.authentication import RemoteUserAuthentication
    if makes_users is None or changes(cls, RemoteUserAuthentication) - {"header"}:
        return None
    options = {} if cls.header == "REMOTE_USER" else {"header": cls.header}
    return "remote_user", options if makes_users else dict(options, create_unknown_user=False)


def authenticators(has_passwords, makes_users, no_sessions, question):
    """Names of schemes, notes and tables, of DEFAULT_AUTHENTICATION_CLASSES."""
    from rest_framework.authentication import (
        BasicAuthentication, RemoteUserAuthentication, SessionAuthentication, TokenAuthentication)
    from rest_framework.settings import api_settings
    names, notes, tables = [], [], []
    classes = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    reserved = ["token"] * (TokenAuthentication in classes)
    for cls in classes:
        scheme, why = None, "authchain does not know it, or not with its changes"
        if issubclass(cls, TokenAuthentication):
            scheme = token(cls, names + reserved)
        elif is_knox(cls):
            scheme = knox(cls)
        elif is_jwt(cls):
            scheme = jwt(cls, question)
        elif durin_class(cls):
            scheme = durin(cls)
            if scheme and durin_class(cls).__name__ == "CachedTokenAuthentication":
                notes.append(note("TOKEN_CACHE_TIMEOUT: authchain looks every token up, so that a deleted one is refused at once"))
        elif issubclass(cls, BasicAuthentication) and has_passwords:
            scheme = basic(cls)
        elif issubclass(cls, SessionAuthentication):
            scheme, why = session(cls, no_sessions), no_sessions or why
        elif issubclass(cls, RemoteUserAuthentication):
            scheme = remote_user(cls, makes_users)
            why = "AUTHENTICATION_BACKENDS has no RemoteUserBackend" if makes_users is None else why
        if scheme is None or scheme[0] in names:
            why = "twice" if scheme else why
            notes.append(note("%s is left out: %s" % (dotted(cls), why)))
            continue
        names.append(scheme[0])
        tables += table("schemes." + scheme[0], scheme[1]) if scheme[1] else []
    return names, notes, tables


def is_of_durin(cls):
    """Whether a permission has become an option of the scheme."""
    try:
        from durin.permissions import AllowSpecificClients, DisallowSpecificClients
    except Exception:                      # not there, or not among INSTALLED_APPS
        return False
    return (is_rule(cls, AllowSpecificClients, "allowed_clients_name")
            or is_rule(cls, DisallowSpecificClients, "disallowed_clients_name"))


def anonymous(names):
    """The word for DEFAULT_PERMISSION_CLASSES, and notes on those that ask for more than a user."""
    from rest_framework.permissions import AllowAny, IsAuthenticated
    from rest_framework.settings import api_settings
    classes = api_settings.DEFAULT_PERMISSION_CLASSES
    notes = [note("%s is not looked at: authchain only asks who it is" % dotted(cls))
             for cls in classes if cls not in (AllowAny, IsAuthenticated) and not (is_of_durin(cls) and "durin" in names)]
    return "allow" if all(cls is AllowAny for cls in classes) else "refuse", notes


def chain(has_passwords, makes_users, no_sessions, question):
    """The lines, and whether there is a chain."""
    try:
        import rest_framework  # noqa: F401
    except ImportError:
        names, notes, tables = ["basic"] * has_passwords, [note("There is no REST framework: Basic, if anything")], []
        word, more = "refuse", []
    else:
        names, notes, tables = authenticators(has_passwords, makes_users, no_sessions, question)
        word, more = anonymous(names)
    if not names:
        return [""] + notes + [note("No scheme is left: there is no chain")], False
    chain = table("chains.default", {"schemes": names, "anonymous": word})[1:]
    return tables + [""] + notes + more + chain, True


# ---------------------------------------------------------------- [endpoints]
def knox_endpoints(chain_lines):
    """Where the URL patterns serve knox's own views; those that log out have knox's scheme before them."""
    from django.conf import settings
    try:
        from django.urls import get_resolver
        from knox.auth import TokenAuthentication
        from knox.settings import knox_settings
        from knox.views import LoginView, LogoutAllView, LogoutView
        scheme = knox(TokenAuthentication)
        found = list(views(get_resolver().url_patterns, "/")) if getattr(settings, "ROOT_URLCONF", None) and scheme else []
    except Exception:                      # no knox, or patterns that `endpoints` complains about
        return []
    places = {view: path for path, view in reversed(found)}
    lines, serializer = [], knox_settings.user_settings.get("USER_SERIALIZER")
    if LoginView in places and any(line.startswith("[chains.default]") for line in chain_lines):
        values = {"path": places[LoginView], "chain": "default", "expiry_datetime_format": knox_settings.EXPIRY_DATETIME_FORMAT or "iso-8601"}
        values = {name: value for name, value in values.items() if value != "iso-8601"}
        if serializer == "knox.serializers.UserSerializer":
            values["user_serializer"] = serializer
        elif serializer:
            lines += ["", note("USER_SERIALIZER: %s is left out: authchain cannot run it" % serializer)]
        lines += table("endpoints.knox_login", values)
    outs = [(name, places[view]) for name, view in (("knox_logout", LogoutView), ("knox_logoutall", LogoutAllView)) if view in places]
    for name, path in outs:
        lines += table("endpoints." + name, {"path": path, "chain": "knox"})
    lines += table("chains.knox", {"schemes": ["knox"]}) if outs else []
    has_table = any(line.startswith("[schemes.knox]") for line in chain_lines)
    return lines + (table("schemes.knox", scheme[1]) if lines and not has_table else [])


def settings_of_jwt():
    from rest_framework_simplejwt.settings import api_settings
    return api_settings


def jwt_endpoints(chain_lines, has_passwords, question):
    """Where the URL patterns serve simplejwt's own views."""
    from django.conf import settings
    try:
        from django.urls import get_resolver
        from rest_framework_simplejwt import views as own
        from rest_framework_simplejwt.authentication import JWTAuthentication
        scheme = jwt(JWTAuthentication, question)
        found = list(views(get_resolver().url_patterns, "/")) if getattr(settings, "ROOT_URLCONF", None) and scheme else []
    except Exception:                      # no simplejwt, or patterns that `endpoints` complains about
        return []
    places, lines, said = {view: path for path, view in reversed(found)}, [], settings_of_jwt().user_settings
    for name, view, serializer in (
            ("jwt_obtain_pair", own.TokenObtainPairView, "TOKEN_OBTAIN_SERIALIZER"), ("jwt_refresh", own.TokenRefreshView, "TOKEN_REFRESH_SERIALIZER"),
            ("jwt_verify", own.TokenVerifyView, "TOKEN_VERIFY_SERIALIZER"), ("jwt_blacklist", own.TokenBlacklistView, "TOKEN_BLACKLIST_SERIALIZER"),
            ("jwt_obtain_sliding", own.TokenObtainSlidingView, "SLIDING_TOKEN_OBTAIN_SERIALIZER"),
            ("jwt_refresh_sliding", own.TokenRefreshSlidingView, "SLIDING_TOKEN_REFRESH_SERIALIZER")):
        if view not in places or ("obtain" in name and not has_passwords) or (name == "jwt_blacklist" and scheme[1].get("blacklist") is False):
            continue
        if serializer in said:
            lines += ["", note("%s is left out: authchain cannot run %s" % (places[view], serializer))]
            continue
        update = {"update_last_login": True} if "obtain" in name and said.get("UPDATE_LAST_LOGIN") else {}
        lines += table("endpoints." + name, dict({"path": places[view]}, **update))
    has_table = any(line.startswith("[schemes.jwt]") for line in chain_lines)
    return lines + (table("schemes.jwt", scheme[1]) if lines and not has_table else [])


def durin_endpoints(chain_lines, has_passwords):
    """Where the URL patterns serve durin's own views, which have the project's default schemes before them."""
    from django.conf import settings
    try:
        from django.urls import get_resolver
        from durin import views as theirs
        from durin.auth import TokenAuthentication
        from durin.settings import durin_settings
        scheme = durin(TokenAuthentication)
        found = list(views(get_resolver().url_patterns, "/")) if getattr(settings, "ROOT_URLCONF", None) and scheme else []
    except Exception:                      # no durin, or patterns that `endpoints` complains about
        return []
    places = {view: path for path, view in reversed(found)}
    lines, client = [], durin_settings.API_ACCESS_CLIENT_NAME
    expiry = {"expiry_datetime_format": durin_settings.EXPIRY_DATETIME_FORMAT or "iso-8601"}
    login = dict(expiry, refresh_token_on_login=bool(durin_settings.REFRESH_TOKEN_ON_LOGIN))
    serializer = durin_settings.user_settings.get("USER_SERIALIZER")
    if serializer == "durin.serializers.UserSerializer":
        login["user_serializer"] = serializer
    elif serializer:
        lines += ["", note("USER_SERIALIZER: %s is left out: authchain cannot run it" % serializer)]
    api = {"api_access_client_name": client or ""}
    own = [("durin_login", theirs.LoginView, login)] * has_passwords
    if any(line.startswith("[chains.default]") for line in chain_lines):
        behind = {"chain": "default"}
        out = {"logout_url": places[theirs.LogoutView]} if theirs.LogoutView in places else {}
        own += [
            ("durin_refresh", theirs.RefreshView, dict(behind, **expiry)),
            ("durin_logout", theirs.LogoutView, behind),
            ("durin_logoutall", theirs.LogoutAllView, behind),
            ("durin_sessions", theirs.TokenSessionsViewSet, dict(
                behind, **api, **out, api_access_exclude_from_sessions=bool(durin_settings.API_ACCESS_EXCLUDE_FROM_SESSIONS))),
        ]
        own += [("durin_apiaccess", theirs.APIAccessTokenView, dict(
            behind, **api, api_access_response_include_token=bool(durin_settings.API_ACCESS_RESPONSE_INCLUDE_TOKEN)))] * bool(client)
    usual = {"expiry_datetime_format": "iso-8601", "api_access_client_name": "", "logout_url": "/api/auth/logout/"}
    for name, view, values in own:
        if view in places:
            values = {key: value for key, value in values.items() if value is not False and value != usual.get(key)}
            lines += table("endpoints." + name, dict({"path": places[view]}, **values))
    # a table of its own where no default scheme is durin's
    is_named = any(line.startswith(("[schemes.durin]", "schemes = ")) and "durin" in line for line in chain_lines)
    options = {name: value for name, value in scheme[1].items() if name not in ("allow_clients", "deny_clients", "user_per_client")}
    return lines + (table("schemes.durin", options) if lines and not is_named else [])


def endpoints(has_passwords, has_chain):
    """Where the URL patterns serve DRF's own `obtain_auth_token`."""
    from django.conf import settings
    try:
        from rest_framework.authtoken.views import ObtainAuthToken
        from django.urls import get_resolver
        if not has_passwords or not getattr(settings, "ROOT_URLCONF", None):
            return []
        paths = [path for path, view in views(get_resolver().url_patterns, "/") if view is ObtainAuthToken]
    except ImportError:
        return []
    except Exception as e:
        return ["", note("The URL patterns were not looked at: %s: %s" % (type(e).__name__, e))]
    lines = []
    for number, path in enumerate(dict.fromkeys(paths)):
        name = "obtain_auth_token" + ("_%d" % (number + 1) if number else "")
        values = {"path": path}
        values.update({"type": "obtain_auth_token"} if number else {})
        values.update({"chain": "default"} if has_chain else {})
        lines += table("endpoints." + name, values)
    return lines


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


# ---------------------------------------------------------------- the whole
def head(settings):
    import django
    text = "Made by `authchain from-django %s` from Django %s" % (settings, django.__version__)
    try:
        import rest_framework
        text += ", REST framework %s" % rest_framework.VERSION
    except ImportError:
        pass
    return [note(text), note("`authchain check` says whether it is right."), ""]


def answer(question):
    os.chdir(question["path"])
    sys.path.insert(0, os.getcwd())        # as for manage.py
    os.environ["DJANGO_SETTINGS_MODULE"] = question["settings"]
    import django
    django.setup()
    return made(question)


def made(question):
    """The answer for the project that is set up."""
    from django.contrib.auth import get_user_model
    model = get_user_model()
    secret_lines, secrets = secret_keys(question)
    hasher_lines, hasher_tables = hashers(question["hashers"])
    backend_lines, has_passwords, makes_users = backends()
    session_lines, no_sessions = sessions(model)
    own_passwords, own_sessions = own_rules(model)
    if has_passwords and own_passwords:
        has_passwords = False
        backend_lines.append(note("Passwords are not looked at: %s" % own_passwords))
    no_sessions = no_sessions or own_sessions
    chain_lines, has_chain = chain(has_passwords, makes_users, no_sessions, question)
    lines = head(question["settings"]) + database(model) + secret_lines + hasher_lines + backend_lines
    lines += requests() + session_lines + changed(CSRF) + users(model) + hasher_tables + chain_lines
    lines += endpoints(has_passwords, has_chain) + knox_endpoints(chain_lines) + durin_endpoints(chain_lines, has_passwords)
    lines += jwt_endpoints(chain_lines, has_passwords, question)
    form = signing_key(question) if any(line.startswith("signing_key = ") for line in lines) else ""
    own = text(settings_of_jwt().SIGNING_KEY) if form else ""
    return {"config": "\n".join(lines) + "\n", "secrets": secrets, "signing_key": {"form": form, "key": own}}


def main():
    # Settings may print while they are loaded: that goes to standard error.
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        said = answer(json.loads(sys.argv[1]))
    except Unfit as e:
        said = {"error": str(e)}
    except (Exception, SystemExit) as e:
        said = {"error": "%s: %s" % (type(e).__name__, e)}
    with pipe:
        json.dump(said, pipe)


if __name__ == "__main__":
    main()
