"""simplejwt's authentication classes, decided by the library.

    REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["authchain.simplejwt.JWTAuthentication"]}

As in `authchain.drf`: each is a subclass of simplejwt's class of its name, with its answers, and overrides
`authenticate` only. `request.auth` is an instance of simplejwt's class of tokens. The configuration is
SIMPLE_JWT; a class or a setting that the library cannot imitate is refused with the reason.
"""
# mypy: disable-error-code="import-untyped", allow-untyped-calls, allow-subclassing-any

import json
from typing import Any

from rest_framework_simplejwt import authentication, exceptions
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import aware_utcnow

from . import drf
from .django import configuration
from .django.from_django import of_simplejwt
from .errors import Status
from .verdict import Verdict

__all__ = ["JWTAuthentication", "JWTStatelessUserAuthentication"]


class JWTAuthentication(authentication.JWTAuthentication):
    """simplejwt's `JWTAuthentication`."""

    def _source(self) -> "drf._Source":
        def make() -> "drf._Source":
            scheme = of_simplejwt.jwt(type(self), configuration.question())
            if scheme is None:
                raise configuration.Unfit(
                    f"{type(self).__qualname__} or SIMPLE_JWT has Python code that authchain does not run"
                )
            return drf._Source(*scheme)

        return configuration.kept(type(self), make)

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        """The user and the token, None when there is no such header, or simplejwt's exception."""
        header = self.get_header(request)
        raw = None if header is None else self.get_raw_token(header)
        if raw is None:
            return None
        source = self._source()
        verdict = drf._judged(source.asked.context, request, {"remote_user": ""})
        if not verdict:
            _refuse(source, verdict, request)
            return None
        token = _token(raw, verdict)
        return self._user(source, verdict, token), token

    def _user(self, source: "drf._Source", verdict: Verdict, token: Any) -> Any:
        return source.users.of(verdict.user)


class JWTStatelessUserAuthentication(JWTAuthentication, authentication.JWTStatelessUserAuthentication):
    """simplejwt's `JWTStatelessUserAuthentication`."""

    def _user(self, source: "drf._Source", verdict: Verdict, token: Any) -> Any:
        return api_settings.TOKEN_USER_CLASS(token)


def _token(raw: bytes, verdict: Verdict) -> Any:
    """The token of the class that its kind belongs to, which was verified already."""
    claims = verdict.user.claims or {}
    kind = claims.get(api_settings.TOKEN_TYPE_CLAIM)
    classes = api_settings.AUTH_TOKEN_CLASSES
    found = next((cls for cls in classes if kind in (None, cls.token_type)), classes[0])
    token = found.__new__(found)
    token.token, token.payload, token.current_time = raw, claims, aware_utcnow()
    return token


def _refuse(source: "drf._Source", verdict: Verdict, request: Any) -> None:
    """Raises simplejwt's exception, whose detail has more members than one."""
    if verdict.status is Status.REFUSED and verdict.response.status in (401, 403):
        said = json.loads(verdict.response.body)
        if "code" in said:
            raise exceptions.AuthenticationFailed(said, said["code"])
    drf._refuse(source, verdict, request)
