"""Knox with DRF's classes as they come; $AUTHCHAIN_REPORT stands where the database may."""

import os
from pathlib import Path

SECRET_KEY = "for tests only"
ROOT_URLCONF = "knox_project.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "knox",
]
FOLDER = Path(os.environ["AUTHCHAIN_REPORT"]).parent
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "knox.sqlite3")}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = True
