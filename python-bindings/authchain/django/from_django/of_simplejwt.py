"""simplejwt: SIMPLE_JWT as options of the scheme `jwt`, and its views."""
# mypy: ignore-errors
import math

if __package__:
    from .writing import Form, changes, note, quoted, seconds, table, text
    from .of_django import views


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
