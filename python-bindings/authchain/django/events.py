"""What happened besides a verdict, announced as Django would have."""
# mypy: disable-error-code="import-untyped"

from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model, signals
from django.db import router
from django.db.models.signals import post_save
from django.utils.module_loading import import_string

from ..verdict import Event


def announce(events: tuple[Event, ...], request: Any) -> None:
    """Sends Django's signals: `user_login_failed`, `user_logged_in`, `user_logged_out`; `post_save` for
    a user whom the library made, for the receivers that give new users something; `token_expired` of knox or
    durin, whichever the project has. Durin's `token_renewed` is sent by its own model, whose views renew."""
    for event in events:
        if event.name in _EXPIRED:
            _announce_expired(_EXPIRED[event.name], event.user)
        elif event.name == "login_failed":
            credentials = {get_user_model().USERNAME_FIELD: event.user, "password": "*" * 20}
            # the sender and the stars of `django.contrib.auth.authenticate`
            signals.user_login_failed.send(sender="django.contrib.auth", credentials=credentials, request=request)
        elif event.user is not None:
            _announce_user(event.name, event.user, request)


_EXPIRED: Final = {"token_expired": "auth_token", "other_token_expired": "other_token"}
"""What knox and durin say of which token it was."""


def _announce_expired(source: str, user: str | None) -> None:
    for package in ("knox", "durin"):
        if apps.is_installed(package):
            signal = import_string(f"{package}.signals.token_expired")
            signal.send(sender=import_string(f"{package}.auth.TokenAuthentication"), username=user, source=source)


def _announce_user(name: str, user: str, request: Any) -> None:
    model = get_user_model()
    instance = model._base_manager.filter(**{model.USERNAME_FIELD: user}).first()
    if instance is None:
        return
    if name == "user_created":
        using = router.db_for_write(model)
        post_save.send(
            sender=model, instance=instance, created=True, raw=False, using=using, update_fields=None
        )
    elif name == "logged_in":
        signals.user_logged_in.send(sender=model, request=request, user=instance)
    elif name == "logged_out":
        signals.user_logged_out.send(sender=model, request=request, user=instance)
