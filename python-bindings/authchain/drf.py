"""Django REST framework's authentication classes, decided by the library.

    REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "authchain.drf.SessionAuthentication",
            "authchain.drf.TokenAuthentication",
        ],
    }

Each is a subclass of DRF's class of its name: same attributes, same answers, same instances of the
project's models. The configuration is the project's settings (see `authchain.django`). A project's own
subclass may set `keyword`, `model`, `www_authenticate_realm` and `header`, and override `authenticate`. One
that overrides `authenticate_credentials` or `enforce_csrf` cannot be made: those would not be asked; derive
it from DRF's.

`ChainAuthentication` asks a chain of an authchain.toml. `KnoxTokenAuthentication` is authchain.knox's, for projects
with django-rest-knox; authchain.durin and authchain.simplejwt have theirs.
"""
# mypy: disable-error-code="import-untyped", allow-untyped-calls, allow-subclassing-any

import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy
from rest_framework import authentication, exceptions

from . import _asked, _environ
from ._asked import Asked
from .chain import Context, Request
from .django import configuration
from .django.events import announce
from .django.from_django import of_django, of_drf
from .django.instances import Tokens, Users
from .errors import Status
from .verdict import User, Verdict

__all__ = [
    "BasicAuthentication",
    "ChainAuthentication",
    "RemoteUserAuthentication",
    "SessionAuthentication",
    "TokenAuthentication",
    "Unavailable",
]


_DECIDING = (__name__, authentication.__name__, "authchain.knox", "knox.auth", "authchain.durin", "durin.auth")


class Unavailable(exceptions.APIException):
    """No verdict could be given: the database cannot answer."""

    status_code = 503


class _Decided(authentication.BaseAuthentication):
    """What the classes have in common."""

    _decides: ClassVar[tuple[str, ...]] = ()
    """The methods in which DRF's class decides, and which ours does not call."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for name in cls._decides:
            definer = next(part for part in cls.__mro__ if name in vars(part))  # of a mixin, perhaps
            if definer.__module__ not in _DECIDING:
                raise TypeError(
                    f"{cls.__qualname__}.{name} would never be asked, because authchain decides: "
                    "derive this class from that of its own package"
                )

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        """The scheme and its options by which the library decides as this class."""
        raise NotImplementedError

    def _key(self) -> tuple[object, ...]:
        """What distinguishes instances that are decided differently."""
        raise NotImplementedError

    def _source(self) -> "_Source":
        return configuration.kept(self._key(), lambda: _Source(*self._scheme()))

    def authenticate_header(self, request: Any) -> str | None:
        """The challenge, from the library's own response."""
        return self._source().challenge


class _Announced(_Decided):
    """By a token in `Authorization` whose end the library may write: those of knox and durin."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """The user and the token, None when there is no such header, or DRF's exception."""
        source = self._source()
        sent, peer = _header(request)
        verdict = source.asked.verdict(sent, peer) if sent else None
        if verdict is None:
            return None
        if not verdict:
            _refuse(source, verdict, request)
            return None
        announce(verdict.events, request)
        return self._instances(source, sent.split()[1].decode(), verdict.user)

    def _instances(self, source: Any, token: str, user: User) -> tuple[Any, Any]:
        """Of the project's models."""
        raise NotImplementedError


class BasicAuthentication(_Decided, authentication.BasicAuthentication):
    """DRF's `BasicAuthentication`."""

    _decides = ("authenticate_credentials",)

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        realm = self.www_authenticate_realm
        return "basic", {} if realm == "api" else {"www_authenticate_realm": realm}

    def _key(self) -> tuple[object, ...]:
        return ("basic", self.www_authenticate_realm)

    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        """The user, None when there is no such header, or DRF's exception."""
        source = self._source()
        named = _named(source, request)
        if named is None:
            return None
        _, found = named
        return (_still(source.users.queried(found[0])) if source.exact else source.users.made(*found)), None


class TokenAuthentication(_Decided, authentication.TokenAuthentication):
    """DRF's `TokenAuthentication`."""

    _decides = ("authenticate_credentials",)

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        model = self.get_model()
        if model._meta.abstract:
            raise configuration.Unfit("rest_framework.authtoken is not in INSTALLED_APPS")
        return "token", of_drf.token_options(self.keyword, model)

    def _key(self) -> tuple[object, ...]:
        return (type(self), self.keyword, self.model)  # `get_model` is the class's affair

    def _source(self) -> "_Source":
        def make() -> _Source:
            source = _Source(*self._scheme())
            source.tokens = Tokens(self.get_model())
            return source

        return configuration.kept(self._key(), make)

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """The user and the token, None when there is no such header, or DRF's exception."""
        source = self._source()
        named = _named(source, request)
        if named is None:
            return None
        value, found = named
        key = value.split()[1].decode()
        if not source.exact:
            user = source.users.made(*found)
            return user, source.tokens.made(key, user)
        token = source.tokens.queried(key)
        if token is None:  # deleted since
            raise exceptions.AuthenticationFailed(gettext_lazy("Invalid token."))
        if not token.user.is_active:
            raise exceptions.AuthenticationFailed(gettext_lazy("User inactive or deleted."))
        return token.user, token


class SessionAuthentication(_Decided, authentication.SessionAuthentication):
    """DRF's `SessionAuthentication`, with its CSRF check. It goes by the cookie, not by `request.user` of a
    middleware."""

    _decides = ("enforce_csrf",)

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        users = configuration.kept("users", Users)
        _, why_not = of_django.sessions(users.model)
        if why_not:
            raise configuration.Unfit(why_not)
        return "session", {}

    def _key(self) -> tuple[object, ...]:
        return ("session",)

    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        """The user, None when nobody has this session, or DRF's exception."""
        source, http = self._source(), request._request
        if source.session_cookie not in http.COOKIES:
            return None
        verdict = _judged(source.asked.context, request, {"remote_user": ""})
        found = _instance(source, verdict, request)
        if found is not None:
            _renew(http, source.session_cookie, verdict)
        return None if found is None else (found, None)


class RemoteUserAuthentication(_Decided, authentication.RemoteUserAuthentication):
    """DRF's `RemoteUserAuthentication`. What stands in `header` is believed, as there: the server sets it."""

    def _scheme(self) -> tuple[str, dict[str, Any]]:
        _, _, makes_users = of_django.backends()
        return "remote_user", {} if makes_users else {"create_unknown_user": False}

    def _key(self) -> tuple[object, ...]:
        return ("remote_user",)

    def authenticate(self, request: Any) -> tuple[Any, None] | None:
        """The user, or None."""
        name = request.META.get(self.header)
        if not name:
            return None
        source = self._source()
        if not source.has_remote_users:
            return None
        _asked.calls += 1
        verdict = source.asked.context.authenticate(remote_user=name, method=request.method)
        found = _instance(source, verdict, request)
        return None if found is None else (found, None)


class ChainAuthentication(authentication.BaseAuthentication):
    """A chain decides: `AUTHCHAIN = {"CONFIG": …}` says of which file. `request.auth` is the library's
    `User`, with the scheme and the name of the credential.

    Set `chain` in a subclass.
    """

    chain: ClassVar[str] = "default"

    def _source(self) -> "_Source":
        return configuration.kept(("chain", self.chain), lambda: _Source.of_chain(self.chain))

    def authenticate(self, request: Any) -> tuple[Any, User] | None:
        """The user, None for nobody where the chain lets nobody pass, or DRF's exception."""
        source = self._source()
        verdict = _judged(source.asked.context, request, {}, self.chain)
        user = _instance(source, verdict, request)
        return None if user is None else (user, verdict.user)

    def authenticate_header(self, request: Any) -> str | None:
        """The challenge of the chain."""
        return self._source().challenge


class _Source:
    """What is made once for a class and the settings of now."""

    __slots__ = ("asked", "challenge", "exact", "has_remote_users", "session_cookie", "tokens", "users")
    tokens: Tokens
    """Of the class for tokens only."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self._open(configuration.scheme(name, options), "default")

    @classmethod
    def of_chain(cls, chain: str) -> "_Source":
        """For a chain of the configured file."""
        source = cls.__new__(cls)
        source._open(configuration.context(), chain)
        return source

    def _open(self, context: Context, chain: str) -> None:
        self.asked = Asked.of(context, chain)
        self.challenge = _challenge(context, chain)
        self.exact = bool(configuration.option("EXACT_QUERIES", False))
        self.has_remote_users = of_django.backends()[2] is not None
        self.session_cookie: str = settings.SESSION_COOKIE_NAME
        self.users = Users()


def _challenge(context: Context, chain: str) -> str | None:
    with context.request(method="GET") as request:
        verdict = request.authenticate(chain)
        if verdict.status is Status.ANONYMOUS:
            verdict = request.deny()
    return dict(verdict.response.headers).get("WWW-Authenticate")


def __getattr__(name: str) -> Any:
    """The class for knox, whose models are there only where knox is installed."""
    if name != "KnoxTokenAuthentication":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .knox import KnoxTokenAuthentication

    return KnoxTokenAuthentication


# --- asking ---------------------------------------------------------------------------------


def _named(source: _Source, request: Any) -> tuple[bytes, _asked.Found] | None:
    """The header and whom it names; None when it is not for the scheme."""
    sent, peer = _header(request)
    if not sent:
        return None
    found = source.asked.authorization(sent, peer)
    if isinstance(found, Verdict):
        _refuse(source, found, request)
        return None
    return sent, found


def _header(request: Any) -> tuple[bytes, str]:
    """`Authorization` and the client's address. Test clients may put bytes there."""
    # Django's request in DRF's, which is slow to ask; or the one that was given
    meta = getattr(request, "_request", request).META
    value: str | bytes = meta.get("HTTP_AUTHORIZATION", b"")
    return value if isinstance(value, bytes) else value.encode("latin-1"), meta.get("REMOTE_ADDR", "")


def _judged(
    context: Context, request: Any, instead: dict[str, Any], chain: str = "default"
) -> Verdict:
    """The verdict on a whole request."""
    _asked.calls += 1
    http = request._request
    skips = getattr(http, "_dont_enforce_csrf_checks", False)
    with context.request(**{**_facts(http), **instead}, skip_csrf=skips) as asked:
        if asked.wants_body(chain):
            _feed(asked, request)
        return asked.authenticate(chain)


def _facts(http: Any) -> dict[str, Any]:
    """What Django believes of the request. Its form goes over as a field only, so it is always a form."""
    facts = _environ.facts(http.META)
    host = http._get_raw_host()
    own = [("Host", host)]
    host = host.rpartition(":")[0] if host[-1:].isdigit() and ":" in host else host
    left_out = {"HOST", "X-FORWARDED-HOST", "X-FORWARDED-PORT", "X-FORWARDED-PROTO", "CONTENT-LENGTH"}
    if http.method == "POST":
        left_out.add("CONTENT-TYPE")
        own.append(("Content-Type", "application/x-www-form-urlencoded"))
    headers = [pair for pair in _environ.headers(http.META) if pair[0] not in left_out]
    # the library takes the port from `host`, and the host from its header
    return {**facts, "headers": own + headers, "host": f"{host}:{http.get_port()}", "tls": http.is_secure()}


def _feed(asked: Request, request: Any) -> None:
    """The one field that may decide. DRF reads the body, with its parsers and their refusals, where there is
    a secret that the field could match."""
    has_secret = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_NAME in request._request.COOKIES
    token = request.POST.get("csrfmiddlewaretoken", "") if has_secret else ""
    asked.feed(urlencode({"csrfmiddlewaretoken": token}).encode())


# --- answering ------------------------------------------------------------------------------


def _instance(source: _Source, verdict: Verdict, request: Any) -> Any:
    """The instance of the user of a verdict; None for nobody."""
    if not verdict:
        _refuse(source, verdict, request)
        return None
    if verdict.events:
        announce(verdict.events, request)
    user = verdict.user
    return _still(source.users.whole(user)) if source.exact else source.users.of(user)


def _still(user: Any) -> Any:
    if user is None:  # since the verdict
        raise exceptions.AuthenticationFailed(gettext_lazy("User inactive or deleted."))
    return user


def _refuse(source: _Source, verdict: Verdict, request: Any) -> None:
    """Raises DRF's exception with the library's text, which is DRF's and so has its translations."""
    if verdict.events:
        announce(verdict.events, request)
    if verdict.status is Status.ANONYMOUS:
        return
    response = verdict.response
    headers = dict(response.headers)
    detail = gettext_lazy(_detail(response.body))
    # DRF makes 403 of a failed authentication where there is no challenge; a failed CSRF check always is
    has_failed = source.challenge is None and not response.body.startswith('{"detail":"CSRF ')
    if response.status == 401 or (response.status == 403 and has_failed):
        raise exceptions.AuthenticationFailed(detail)
    if response.status == 403:
        raise exceptions.PermissionDenied(detail)
    error = Unavailable(detail)
    error.status_code = response.status
    if "Retry-After" in headers:
        error.wait = int(headers["Retry-After"])  # DRF's exception handler makes the header of it
    raise error


def _detail(body: str) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body


def _renew(http: Any, cookie: str, verdict: Verdict) -> None:
    """A session that got a new key, because a former SECRET_KEY had signed it: Django's middleware
    sends the cookie."""
    for name, value in verdict.response.headers:
        if name == "Set-Cookie" and value.startswith(cookie + "=") and hasattr(http, "session"):
            key = value[len(cookie) + 1 :].split(";")[0]
            if key != http.session.session_key:
                http.session = type(http.session)(key)
                http.session.modified = True


