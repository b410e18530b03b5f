"""django-rest-durin: REST_DURIN as options of the scheme `durin`, and its views."""
# mypy: ignore-errors
if __package__:
    from .writing import changes, hides_rows, note, seconds, table
    from .of_django import views


def durin_class(cls):
    """The class of durin that `cls` is, or is made of."""
    return next((part for part in cls.__mro__ if part.__module__ == "durin.auth"), None)


def durin(cls):
    """As `basic`; with what clients may do. The class with a cache is taken without it."""
    options = None if changes(cls, durin_class(cls)) else durin_options()
    return None if options is None else ("durin", dict(options, **durin_rules()))


def durin_options():
    """The options of REST_DURIN; None for what the library does not know."""
    from durin.models import AuthToken, Client
    from durin.settings import durin_settings
    if hides_rows(AuthToken.objects) or hides_rows(Client.objects):
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
    return {name: value for name, value in options.items() if value != usual[name]}


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


def is_of_durin(cls):
    """Whether a permission has become an option of the scheme."""
    try:
        from durin.permissions import AllowSpecificClients, DisallowSpecificClients
    except Exception:                      # not there, or not among INSTALLED_APPS
        return False
    return (is_rule(cls, AllowSpecificClients, "allowed_clients_name")
            or is_rule(cls, DisallowSpecificClients, "disallowed_clients_name"))


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
