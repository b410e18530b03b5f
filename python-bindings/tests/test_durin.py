"""authchain.durin beside durin's own class, in a project of its own process."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = '''
import json, sys
from datetime import timedelta
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="a secret key for tests, never used elsewhere",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "durin"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"], USE_TZ=True, ROOT_URLCONF=__name__,
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["authchain.durin.DurinTokenAuthentication"],
                    "DEFAULT_THROTTLE_RATES": {"user_per_client": "100/h"}},
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from durin import auth as theirs, signals, views
from durin.models import AuthToken, Client
from durin.permissions import AllowSpecificClients
from durin.throttling import UserClientRateThrottle
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from authchain import _asked, durin as ours
from authchain.django import configuration
urlpatterns = []

call_command("migrate", verbosity=0)
anna, off = User.objects.create_user("anna"), User.objects.create_user("off", is_active=False)
web, cli = Client.objects.create(name="web"), Client.objects.create(name="cli", throttle_rate="1/h")
token, of_cli, inactive = (AuthToken.objects.create(*pair) for pair in ((anna, web), (anna, cli), (off, web)))
said = []
signals.token_expired.connect(lambda **what: said.append((what["sender"].__name__, what["username"], what["source"])), weak=False)
signals.token_renewed.connect(lambda **what: said.append((what["sender"], what["new_expiry"])), weak=False)

class Web(AllowSpecificClients):
    allowed_clients_name = ("web",)

def asked(cls, header, **rules):
    class View(APIView):
        authentication_classes = [cls]
        permission_classes, throttle_classes = rules.get("permissions", []), rules.get("throttles", [])
        def get(self, request):
            auth = request.auth
            row = auth and [auth.pk, str(auth), str(auth.client)]
            return Response([type(request.user).__name__, request.user.pk, type(auth).__name__, row])
    more = {"HTTP_AUTHORIZATION": header} if header else {}
    response = View.as_view()(APIRequestFactory().get("/", **more)).render()
    return response.status_code, json.loads(response.content), response.headers.get("WWW-Authenticate")

PAIR = theirs.TokenAuthentication, ours.DurinTokenAuthentication
def compared(what, a, b):
    print("same" if a == b else "different, %s: %s %s" % (what, a, b))

headers = ["", "Token", "Token a b", "Basic x", "Token x", "tOkEn %s" % token] + ["Token %s" % one for one in (token, of_cli, inactive)]
for header in headers:
    before = _asked.calls
    compared(header, *(asked(cls, header) for cls in PAIR))
    assert _asked.calls == before + bool(header)
compared("permission", *(asked(cls, "Token %s" % of_cli, permissions=[Web]) for cls in PAIR))
compared("throttle", asked(PAIR[0], "Token %s" % of_cli, throttles=[UserClientRateThrottle])[0], 200)
compared("throttle", asked(PAIR[1], "Token %s" % of_cli, throttles=[UserClientRateThrottle])[0], 429)

def expired(cls):
    row = AuthToken.objects.create(User.objects.create_user("u%d" % User.objects.count()), web, delta_ttl=timedelta(seconds=-1))
    answer = asked(cls, "Token %s" % row)
    return answer, AuthToken.objects.filter(pk=row.pk).exists(), [(*what[:1], what[1] == row.user.username, *what[2:]) for what in said]
first = expired(PAIR[0])
said.clear()
compared("expired", first, expired(PAIR[1]))
print(first[2])
said.clear()

def queries(cls):
    with CaptureQueriesContext(connection) as caught:
        asked(cls, "Token %s" % token)
    return len(caught)
compared("queries", *(queries(cls) for cls in PAIR))

# durin's views have the default class before them, and are given its own rows
def view(cls, **more):
    return cls.as_view()(APIRequestFactory().post("/", HTTP_AUTHORIZATION="Token %s" % token, **more)).status_code
assert views.RefreshView().get_authenticators()[0].__class__ is PAIR[1]
end = AuthToken.objects.get(pk=token.pk).expiry
print(view(views.RefreshView), AuthToken.objects.get(pk=token.pk).expiry > end, said[0][0] == token)
print(view(views.LogoutView), AuthToken.objects.filter(pk=token.pk).exists(), view(views.LogoutView))

print("schemes = [\\"durin\\"]" in configuration.made_text())
try:
    class Own(ours.DurinTokenAuthentication):
        @staticmethod
        def validate_user(auth_token):
            return None
except TypeError as error:
    print(error)
'''


def test_the_class_answers_as_durins_and_sends_its_signals(tmp_path: Path) -> None:
    script = tmp_path / "project.py"
    script.write_text(PROJECT)
    path = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(tmp_path / "db.sqlite3")],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *["same"] * 13,
        "[('TokenAuthentication', True, 'auth_token')]",
        "same",
        "200 True True",
        "204 False 401",
        "True",
        "Own.validate_user would never be asked, because authchain decides: derive this class from that of its own package",
    ]
