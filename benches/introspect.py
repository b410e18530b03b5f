"""RFC 7662 by Django REST framework: a view that looks a token up and says whose it is. For benches/apache.py, which
compares a verdict within Apache with mod_oauth2's question to such a server.

    DATABASE=PATH gunicorn introspect:application
"""

import os

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"], "CONN_MAX_AGE": None}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a secret key for benches, never used elsewhere",
    USE_TZ=True,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Introspection(APIView):
    """POST token=KEY."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        """Whose token it is."""
        token = Token.objects.select_related("user").filter(key=request.data["token"]).first()
        if token is None or not token.user.is_active:
            return Response({"active": False})
        return Response({"active": True, "sub": token.user.get_username()})


urlpatterns = [path("introspect", Introspection.as_view())]
application = get_wsgi_application()
