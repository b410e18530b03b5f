"""django-rest-knox: REST_KNOX as options of the scheme `knox`, and its views."""
# mypy: ignore-errors
import math

if __package__:
    from .writing import changes, hides_rows, note, seconds, table
    from .of_django import views


KNOX_HASHES = ["hashlib." + name for name in ("sha512", "sha384", "sha256", "sha224", "sha3_512", "sha3_384", "sha3_256")]


def is_knox(cls):
    return any(part.__module__ == "knox.auth" and part.__name__ == "TokenAuthentication" for part in cls.__mro__)


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
