"""A small Django + DRF application for mod_wsgi: says who it thinks asks, and what the server told it.

/drf/      believes credentials: Basic, Token, Session
/remote/   believes REMOTE_USER (DRF's RemoteUserAuthentication)
"""

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

settings.configure(
    DEBUG=False,
    SECRET_KEY="a-secret-that-no-line-may-show-0123456789",
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(os.path.dirname(__file__), "db.sqlite3"),
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.RemoteUserBackend",
    ],
)
django.setup()

from django.contrib.auth import hashers  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.authentication import (  # noqa: E402
    BasicAuthentication,
    RemoteUserAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

hashers.PBKDF2PasswordHasher.iterations = 1000  # as the hashes are: a new one would end the sessions of its user


class Probe(APIView):
    authentication_classes = [BasicAuthentication, TokenAuthentication, SessionAuthentication]
    permission_classes = []
    renderer_classes = [JSONRenderer]

    def get(self, request):
        told = {
            name: value
            for name, value in request.META.items()
            if name in ("REMOTE_USER", "AUTH_TYPE", "HTTP_AUTHORIZATION", "HTTP_X_AUTH_USER")
            or name.startswith("AUTHCHAIN_")
        }
        return Response(
            {
                "user": request.user.get_username(),
                "mode": request.META["mod_wsgi.process_group"],
                "told": told,
                "size": len(request.body),
            }
        )

    post = get


class Remote(Probe):
    authentication_classes = [RemoteUserAuthentication]


urlpatterns = [path("drf/", Probe.as_view()), path("remote/", Remote.as_view()), path("remote/signed", Remote.as_view())]
application = WSGIHandler()
