"""Django REST framework: its classes as schemes, the chain of the default ones, and `obtain_auth_token`."""
# mypy: ignore-errors
import re

if __package__:
    from .writing import changes, column, dotted, hides_rows, note, table
    from .of_django import views
    from .of_knox import is_knox, knox
    from .of_simplejwt import is_jwt, jwt
    from .of_durin import durin, durin_class, is_of_durin


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
