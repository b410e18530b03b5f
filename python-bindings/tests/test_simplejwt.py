"""authchain.simplejwt beside simplejwt's own classes, in a project of its own process."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = '''
import json, sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="a secret key for tests, never used elsewhere",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework",
                    "rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"], USE_TZ=True,
    SIMPLE_JWT={"AUTH_TOKEN_CLASSES": ("rest_framework_simplejwt.tokens.AccessToken", "rest_framework_simplejwt.tokens.SlidingToken")},
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework.response import Response
from rest_framework_simplejwt import authentication as theirs
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken
from authchain import simplejwt as ours

call_command("migrate", verbosity=0)
anna = User.objects.create_user("anna", password="pw")
gone = User.objects.create_user("gone")
off = User.objects.create_user("off", is_active=False)
expired = AccessToken.for_user(anna)
expired["exp"] = 1
left = str(AccessToken.for_user(gone))
gone.delete()
black = SlidingToken.for_user(anna)
black.blacklist()
nobody = AccessToken()
headers = ["", "Bearer", "Bearer a b", "bearer x", "Token x", "Bearer x"] + ["Bearer %s" % token for token in (
    AccessToken.for_user(anna), SlidingToken.for_user(anna), RefreshToken.for_user(anna), AccessToken.for_user(off),
        expired, left, black, nobody)]

def asked(cls, header):
    class View(APIView):
        authentication_classes = [cls]
        def get(self, request):
            auth = request.auth
            payload = getattr(auth, "payload", None)
            return Response([type(request.user).__name__, request.user.pk, type(auth).__name__, payload, auth and str(auth)])
    more = {"HTTP_AUTHORIZATION": header} if header else {}
    response = View.as_view()(APIRequestFactory().get("/", **more)).render()
    return response.status_code, json.loads(response.content), response.headers.get("WWW-Authenticate")

for name in ("JWTAuthentication", "JWTStatelessUserAuthentication"):
    for header in headers:
        a, b = asked(getattr(theirs, name), header), asked(getattr(ours, name), header)
        print("same" if a == b else "different: %s %s %s" % (header[:30], a, b))

class Own(ours.JWTAuthentication):
    def get_user(self, token):
        return anna
try:
    asked(Own, headers[6])
except Exception as error:
    print(type(error).__name__)
'''


def test_each_class_answers_as_simplejwt_s_and_one_with_own_rules_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "project.py"
    script.write_text(PROJECT)
    path = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path / "db.sqlite3")],
        capture_output=True, text=True, env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == ["same"] * 28 + ["ImproperlyConfigured"]
