"""The library in the place of what simplejwt's suite tests: the classes of authchain.simplejwt, and with
$AUTHCHAIN_ENDPOINTS the endpoints `jwt_…` in the place of its views and of what its serializers decide.

Simplejwt's own are the token classes and the `TokenBackend`, which sign, read and store tokens in Python and are
tested with claims and keys of all kinds: what the library says of a token is whose it is. A view is given the request
as it came. A serializer has checked its fields, and asks with what it has; of a refusal it makes the exception that
simplejwt's views would have made this answer of.

Tests set the attributes of simplejwt's settings without the signal of Django's, so each question looks at them anew.
They reload its modules, which then get ours again. They turn its clock back and leave PyJWT, which looks whether a
token is from the future, the real one; the library has one clock, so the difference is leeway. They log in wrongly
more often than a throttle likes.
"""

import importlib
import json
import os
import time
from typing import Any

import substitute as plugin

CLASSES = ["JWTAuthentication", "JWTStatelessUserAuthentication"]

# the first word of the classes, and the endpoint that decides in their place
ENDPOINTS = {
    "TokenObtain": "jwt_obtain_pair",
    "TokenObtainPair": "jwt_obtain_pair",
    "TokenRefresh": "jwt_refresh",
    "TokenObtainSliding": "jwt_obtain_sliding",
    "TokenRefreshSliding": "jwt_refresh_sliding",
    "TokenVerify": "jwt_verify",
    "TokenBlacklist": "jwt_blacklist",
}


def substitute() -> None:
    """Before any test module is imported."""
    from django.conf import settings
    from rest_framework_simplejwt import authentication, serializers, views

    from authchain import simplejwt

    settings.AUTHCHAIN |= {"TABLES": "[throttle]\nenabled = false\n", "OPTIONS": {"exact": settings.AUTHCHAIN["EXACT_QUERIES"]}}
    for name in CLASSES:
        ours = getattr(simplejwt, name)
        if "authenticate" in vars(ours):
            ours.authenticate = looking_anew(plugin.counted(ours.authenticate))
    placing = {authentication: place_classes}
    if os.environ.get("AUTHCHAIN_ENDPOINTS"):
        placing |= {serializers: place_serializers, views: place_views}
    for module, place in placing.items():
        place(module)
    reload = importlib.reload

    def reloading(module: Any) -> Any:
        again = reload(module)
        if module in placing:
            placing[module](module)
        return again

    importlib.reload = reloading


def place_classes(authentication: Any) -> None:
    """Ours under simplejwt's names."""
    from authchain import simplejwt

    authentication.JWTAuthentication.authenticate = plugin.fell_back
    for name in CLASSES:
        setattr(authentication, name, getattr(simplejwt, name))


def place_serializers(serializers: Any) -> None:
    """What follows the check of the fields."""
    for word, endpoint in ENDPOINTS.items():
        getattr(serializers, f"{word}Serializer").validate = validating(endpoint, keeps=word != "TokenObtain")


def place_views(views: Any) -> None:
    """Whole answers."""
    for word, endpoint in ENDPOINTS.items():
        if word != "TokenObtain":
            getattr(views, f"{word}View").post = posting(endpoint)


def posting(endpoint: str) -> Any:
    """A view's method."""
    from rest_framework.response import Response

    def post(self: Any, request: Any, *_: Any, **__: Any) -> Any:
        http = request._request
        answer = served(endpoint, http.body, http.META["CONTENT_TYPE"])
        return Response(json.loads(answer.body), answer.status, headers=dict(own(answer)))

    return post


def validating(endpoint: str, *, keeps: bool) -> Any:
    """A serializer's method."""
    from rest_framework.exceptions import AuthenticationFailed, ValidationError
    from rest_framework_simplejwt.exceptions import TokenError

    def validate(self: Any, attrs: Any) -> Any:
        answer = served(endpoint, json.dumps(dict(attrs)).encode(), "application/json")
        said = json.loads(answer.body)
        if answer.status == 200:
            return said if keeps else {}
        if answer.status == 400:
            raise ValidationError(said)
        assert answer.status == 401, answer
        if said.get("code") == "token_not_valid":
            raise TokenError(said["detail"])
        raise AuthenticationFailed(said["detail"], said.get("code"))

    return validate


def served(endpoint: str, body: bytes, kind: str) -> Any:
    """The library's response, at the moment that simplejwt's clock shows."""
    from rest_framework_simplejwt import tokens

    now = tokens.aware_utcnow().timestamp()
    context = opened(endpoint, leeway=max(0, round(time.time() - now)))
    headers = {"Content-Type": kind, "Content-Length": str(len(body))}
    with context.request(headers, method="POST", now_us=int(now * 1e6)) as asked:
        asked.feed(body)
        response = asked.serve(context.endpoint(endpoint)).response
    plugin.count()
    return response


def opened(endpoint: str, leeway: int) -> Any:
    """A context with the endpoint, for the settings of now."""
    from rest_framework_simplejwt import authentication, tokens
    from rest_framework_simplejwt.settings import api_settings

    from authchain.django import configuration
    from authchain.django.from_django import of_simplejwt, writing

    name, options = of_simplejwt.jwt(authentication.JWTAuthentication, configuration.question())
    options["access_token_lifetime"] = writing.seconds(tokens.AccessToken.lifetime)  # a test sets that of the class
    if leeway:
        options["leeway"] = leeway
    values = {"update_last_login": True} if "obtain" in endpoint and api_settings.UPDATE_LAST_LOGIN else {}
    table = writing.table(f"endpoints.{endpoint}", {"path": "/token/", **values})
    return configuration._opened(configuration._scheme_text(name, options) + "\n".join(table) + "\n")


def own(answer: Any) -> list[tuple[str, str]]:
    """The headers that are not DRF's affair."""
    return [(name, value) for name, value in answer.headers if name in ("WWW-Authenticate", "Retry-After")]


def looking_anew(authenticate: Any) -> Any:
    """Forgets what was made for the settings of before."""
    from authchain.django import configuration

    def looking(self: Any, request: Any) -> Any:
        configuration._forget()
        return authenticate(self, request)

    return looking


