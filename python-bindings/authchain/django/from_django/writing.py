"""What the other files write with: TOML, comments, and what a class says anew."""
# mypy: ignore-errors
import json
import math
import re


class Unfit(Exception):
    """The project cannot be configured; the text says why and what to do."""


def quoted(value):
    """A TOML string: JSON's, but that DEL is escaped."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


class Form(str):
    """A value as it is written."""


def toml(value):
    if isinstance(value, Form):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join(map(toml, value))
    return quoted(value)


def setting(key, value):
    return "%s = %s" % (key, toml(value))


def note(text):
    """A comment of one line, whatever is in the text."""
    return "# " + re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", str(text))


def table(name, values):
    return ["", "[%s]" % name] + [setting(key, value) for key, value in values.items()]


def dotted(cls):
    return "%s.%s" % (getattr(cls, "__module__", "?"), getattr(cls, "__qualname__", cls))


def text(secret):
    return secret.decode() if isinstance(secret, bytes) else str(secret)


def seconds(duration):
    return 0 if duration is None else math.ceil(duration.total_seconds())


OWN_CLASSES = ("authchain.drf", "authchain.knox", "authchain.simplejwt", "authchain.durin")


def changes(cls, stock):
    """The names that `cls` says anew above `stock`, which it inherits from. Ours say what it says."""
    between = cls.__mro__[:cls.__mro__.index(stock)]
    return {name for part in between if part.__module__ not in OWN_CLASSES for name in vars(part)
            if name not in ("__module__", "__doc__", "__qualname__", "__firstlineno__", "__static_attributes__")}


def hides_rows(manager):
    """Whether a manager may leave rows out, which the library, reading the table, would find."""
    from django.db.models.manager import BaseManager
    return type(manager).get_queryset is not BaseManager.get_queryset


def column(model, name):
    """The column of a field; "" when the model has none of that name."""
    from django.core.exceptions import FieldDoesNotExist
    try:
        return model._meta.get_field(name).column or ""
    except FieldDoesNotExist:
        return ""
