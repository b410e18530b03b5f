#!/usr/bin/env python3
"""Record what Django REST framework reads from request bodies.

    bodies.py [--out tests/vectors/bodies] [--count 3200] [--rng 7]    write json.jsonl and forms.jsonl
                                                                       (as many random bodies of each)
    bodies.py --check                                                  record anew and compare

Each request goes through the real WSGI handler to a view with DRF's default parsers. A line of json.jsonl:
  {"body": ..., "dump": "..."}      what json.dumps makes of the data, numbers as they were written
  {"body": ..., "error": "..."}     what follows "JSON parse error - " in the answer of status 400
  {"body": ..., "crash": "..."}     the exception behind the answer of status 500
A line of forms.jsonl has "type", the Content-Type, and
  {"fields": [[name, [value, ...]], ...], "files": [name, ...]}, of a long text its start and length;
  {"data": "..."} for JSON, {"status": 400 or 415, "detail": "..."} for DRF's errors, {"status": 400, "django": "..."} for Django's own,
  {"crash": "..."}
A body's characters are bytes 0..255; a long one is a list of [text, times].

Needs the packages of scripts/requirements.txt. The lines depend on nothing but the code here and the versions.
"""
import argparse
import io
import json
import logging
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ap = argparse.ArgumentParser()
ap.add_argument("--out", default=os.path.join(os.path.dirname(HERE), "vectors", "bodies"))
ap.add_argument("--count", type=int, default=3200)
ap.add_argument("--rng", type=int, default=7)
ap.add_argument("--check", action="store_true")
args = ap.parse_args()

logging.disable(logging.CRITICAL)

from django.conf import settings  # noqa: E402

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], INSTALLED_APPS=["rest_framework"],
                   REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [],
                                   "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
                                   "UNAUTHENTICATED_USER": None})
import django  # noqa: E402

django.setup()

from django.core import signals  # noqa: E402
from django.core.exceptions import SuspiciousOperation  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.http import QueryDict  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

seen = {}


class Default(APIView):
    def post(self, request):
        seen["data"], seen["files"] = request.data, request.FILES
        return Response()

    def handle_exception(self, exc):
        seen["exception"] = exc
        return super().handle_exception(exc)


urlpatterns = [path("", Default.as_view())]
handler = WSGIHandler()


def whole(body):
    text = body if isinstance(body, str) else "".join(text * times for text, times in body)
    return text.encode("latin-1")


def ask(content_type, body):
    """The answer's status, and what the view has seen."""
    seen.clear()
    body = whole(body)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80",
               "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "CONTENT_LENGTH": str(len(body)),
               "CONTENT_TYPE": content_type, "HTTP_ACCEPT": "*/*"}
    status = []
    try:
        answer = b"".join(handler(environ, lambda line, _: status.append(int(line.split()[0]))))
    except Exception as exc:  # before there is a request
        return 500, b"", type(exc).__name__
    return status[0], answer, type(seen.get("exception")).__name__


class Written(str):
    """A number as it was written."""


def as_written(text, whole_number=None):
    (whole_number or float)(text)
    return Written(text)


def dumped(value, number):
    if isinstance(value, Written):
        return number(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + dumped(v, number) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dumped(v, number) for v in value) + "]"
    return json.dumps(value)


def dump(body, data):
    text = body.decode("utf-8", "ignore")
    written = json.loads(text, parse_int=lambda s: as_written(s, int), parse_float=as_written)
    # That is the data which DRF's parser has, but for how the numbers are written.
    repr_of = lambda s: json.dumps(json.loads(s))  # noqa: E731
    assert dumped(written, repr_of) == json.dumps(data, separators=(",", ":")), body
    return dumped(written, str)


def json_line(body):
    status, answer, exception = ask("application/json", body)
    if status == 500:
        return {"body": body, "crash": exception}
    if status == 400:
        detail = json.loads(answer)["detail"]
        assert detail.startswith("JSON parse error - "), detail
        return {"body": body, "error": detail.removeprefix("JSON parse error - ")}
    return {"body": body, "dump": dump(whole(body), seen["data"])}


def short(value):
    return value if len(value) <= 300 else f"{value[:50]}... ({len(value)})"


def form_line(content_type, body):
    line = {"type": content_type, "body": body}
    status, answer, exception = ask(content_type, body)
    if status == 500:
        return line | {"crash": exception}
    if status != 200:
        exc = seen["exception"]
        if isinstance(exc, SuspiciousOperation):
            assert status == 400 and answer.strip().startswith(b"<"), answer
            return line | {"status": status, "django": str(exc)}
        return line | {"status": status, "detail": json.loads(answer)["detail"]}
    data, files = seen["data"], seen["files"]
    if not isinstance(data, QueryDict):
        return line | {"data": json.dumps(data, separators=(",", ":"))}
    texts = [[short(name), [short(v) for v in values if isinstance(v, str)]] for name, values in data.lists()]
    return line | {"fields": [field for field in texts if field[1]], "files": sorted(files)}


# --- JSON --------------------------------------------------------------------------------------

def utf8(text):
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


JSON_EDGES = [
    " ", "\n", "x", "n", "nul", "null", "nullx", "null ", " null", "\tnull\r\n", "\x0bnull", "\x0cnull", "null\x0b",
    "\xa0null", utf8("\xa0null"), utf8("null\u2028"), "true", "false", "True", "tru", "fals",
    "NaN", "Infinity", "-Infinity", "[NaN]", "[1,Infinity", '{"a":-Infinity}', "-Infinit", "-I", "Inf", "nan", "-NaN", "Na",
    "0", "-0", "00", "01", "-", "--1", "+1", "1.", "1.e1", ".5", "1.5", "-1.50", "1e", "1e+", "1e5", "1E-5", "1e+05",
    "1.0e0", "1e999", "-1e999", "1e-999", "12345678901234567890", "0x1", "1_0", utf8("\u0661"), "1" + utf8("\u0661"), "-a",
    "[", "]", "[]", "[ ]", "[1", "[1,", "[1,]", "[,]", "[1 2]", "[1,,2]", "[1]]", "[1] ", "[\n1\n,\n2\n]", "[1}", "[\x001]",
    "{", "}", "{}", "{ }", "{,}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":1 "b":2}', '{"a" 1}', '{"a":}',
    '{a:1}', "{'a':1}", '{1:1}', '{"a":1,b}', '{"a":1}}', '{"a":1]', '{"a" : 1 , "b" : 2 }', '{"a":1,"a":2,"b":3,"a":4}',
    '{"":0,"":1}', '{"a":1,"\\u0061":2}', '{"\\ud800":1,"\\ud800":2}', '{"a":{"a":1,"a":2},"a":{"b":1}}',
    "\n{\n\"a\"\n:\n\n", utf8('{"\xe9\u20ac\U0001f600"\n:"\xe9" x'), utf8('["\U0001f600\n"]'), utf8('["\U0001f600" ,\n\u20ac]'),
    '"', '"a', '"a\\', '"\\"', '"\\', '"\\x"', '"\\u', '"\\u"', '"\\u1', '"\\u123"', '"\\u1234', '"\\u1234"', '"\\u123g"', '"\\U1234"',
    '"\\uABcd"', '"\\u 123"', '"\\u+123"', '"\\u-123"', '"\\u1_23"', '"\\u0x12"', '"\\u' + utf8("\xe9") + '234"', '"\\u123' + utf8("\xe9"),
    '"\\u0000"', '"\x00"', '"\x1f"', '"\x7f"', '"\n"', '"a\tb"', '"\\b\\f\\n\\r\\t\\/\\"\\\\"', '"\\a"', '"\\' + utf8("\xe9") + '"', '"\\\n"',
    '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\n"', '"\\ud83d\\ud83d\\ude00"', '"\\ude00\\ud83d"', '"\\ud83d\\u"',
    '"\\ud83d\\u00', '"\\ud83d\\u0041"', '"\\ud83d\\ude0g"', '"\\ud83d\\ude00', '"\\ud83d\\ude0', '"\\ud83d\\', '"\\ud83d', '"\\ud83d"x', '"\\ud83d\\x"',
    '"\\udbff\\udfff"', '"\\ud800\\udc00"', '"\\ud7ff\\udc00"', '"\\udc00\\udc00"', '"\\ud800\\udbff"', '"\\ud800\\ue000"', "['a']",
    # UTF-8
    "\xff", "\xfe\xff", "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x80\x80", "\xe0\xa0", "\xe2\x82", "\xe2\x82x", "\xe2x", "\xed\xa0\x80",
    "\xed\x9f", "\xf0\x9f\x98", "\xf0\x9f\x98x", "\xf0\x9fx", "\xf0x", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf5\x80", "1\xe2\x82",
    "[1]\xc3", '"\xc3', '"a\xff"', '"a\xe2\x82"', "[1] \xf0\x9f\x98", "\xe2\x82\xac\xff", '"\xc3\xa9', "\xef\xbb\xbf1", "\xef\xbb\xbf", "\xef\xbb", "1\xef\xbb\xbf",
    '"\xef\xbb\xbf"', "\xff\xfe1\x00", "1\x00", "\x001", "1\xed\xa0", "1\xed\xbf", "1\xed\xc0", "1\xed\xa0x",
    # Size
    [["[", 256], ["]", 256]], [["[", 256], ["]", 255]], [["[", 200], ["1", 1], ["]", 200]], [['{"a":', 128], ["[", 128], ["]", 128], ["}", 128]],
    [["[", 257], ["]", 257]], [["[", 5000]], [["[", 100000], ["]", 100000]], [['{"a":', 5000]], [["[", 257]],
    [["1", 4300]], [["1", 4301]], [["-", 1], ["1", 4300]], [["-", 1], ["9", 4301]], [["[", 1], ["1", 5000], [", x", 1]], [["1", 4301], [".5", 1]],
    [["1", 5000], ["e", 1]], [["0.", 1], ["1", 5000]], [["[", 1], ["1,", 5000], ["2]", 1]], [["{", 1], ['"a":1,', 5000], ['"a":2}', 1]],
    [[" ", 5000], ["1", 1]], [["\n", 5000], ["x", 1]], [['"', 1], ["\xc3\xa9", 3000], ['" x', 1]],
    # What the hosts send, and Django's session
    '{"username":"al","password":"correct horse"}', utf8('{"username": "\xe4l", "password": "p\xe4ss"}'), '{"password":"x","username":null}',
    '{"_auth_user_id":"1","_auth_user_backend":"django.contrib.auth.backends.ModelBackend","_auth_user_hash":"' + "0f" * 32 + '"}',
    '"text"', "[]", '{"token":"eyJ.eyJ.x"}', "username=al&password=x", "<xml/>",
]


class Generator:
    """Random bodies near what is valid."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        pieces = ["a", "Z", "0", " ", "password", "\xe9", "\u20ac", "\U0001f600", "\x7f", "\u2028", "\ufeff", "\uffff", "/", "'",
                  '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u00E9", "\\u20aC", "\\ud83d\\ude00", "\\ud800",
                  "\\udfff", "\\u0000"]
        return '"' + "".join(self.r.choices(pieces, k=self.r.choice([0, 1, 1, 2, 3, 5]))) + '"'

    def number(self):
        return self.r.choice(["0", "-0", "7", "-12", "3.25", "-0.5", "1e3", "2E-2", "1.5e+10", "100000000000000000000", "1e400", "0.1e1"])

    def blank(self):
        return self.r.choice(["", "", "", " ", "\n", "\r\n", "\t", "  "])

    def name(self):
        return self.r.choice(['"a"', '"a"', '"b"', '"\\u0061"', self.text(), '"username"'])

    def value(self, depth=0):
        b, kind = self.blank, self.r.random()
        if depth > 3 or kind < 0.3:
            return self.r.choice([self.text(), self.text(), self.number(), "null", "true", "false"])
        count = self.r.choice([0, 1, 2, 2, 3, 5]) if self.r.random() < 0.97 else 20
        if kind < 0.55:
            return "[" + b() + ",".join(b() + self.value(depth + 1) + b() for _ in range(count)) + "]"
        pairs = (b() + self.name() + b() + ":" + b() + self.value(depth + 1) + b() for _ in range(count))
        return "{" + b() + ",".join(pairs) + "}"

    def body(self):
        text = utf8(self.blank() + self.value() + self.blank())
        if self.r.random() < 0.35:
            return text
        for _ in range(self.r.choice([1, 1, 1, 2, 4])):
            text = self.changed(text)
        return text

    def changed(self, text):
        at = self.r.randrange(len(text) + 1)
        to = min(len(text), at + self.r.choice([0, 1, 1, 2, 4]))
        put = self.r.choice(["", "", '"', "\\", "\\u", "\\u12", "\\ud83d", "\\ude00", "{", "}", "[", "]", ",", ":", "\n", "\x01", "\x80", "\xc3", "\xe2\x82",
                             "\xf0\x9f", "\xff", "\xed\xa0\x80", "NaN", "Infinity", "-", "-Infinity", "1", ".", "e", "x", "\\x", " ", chr(self.r.randrange(256))])
        return self.r.choice([text[:at] + put + text[to:], text[:at] + put + text[to:], text[:at]])


def json_lines():
    generator = Generator(args.rng)
    bodies = [*JSON_EDGES]
    while len(bodies) < args.count + len(JSON_EDGES):
        body = generator.body()
        if body and len(body) < 300:
            bodies.append(body)
    return [json_line(body) for body in bodies]


# --- Forms -------------------------------------------------------------------------------------

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
PART = 'Content-Disposition: form-data; name="username"\r\n\r\nal'

TYPES = [
    "", " ", ";", "/", "*", "*/*", "*/json", "application/*", "multipart/*", "multipart/*; boundary=x", "*/form-data; boundary=x", "x/*", "*/*/*", "text/plain",
    "application/json", "APPLICATION/Json", " application/json ", "\xa0application/json\x85", "\x1capplication/json", "application/json;", "application/json; charset=utf-8",
    "application/json;charset=UTF8", "application/json; q=1", "application/json ; indent=4", "application/json,application/json", "application/json x", "application /json",
    "application/json/", "application/jso", "application/jsonp", "json", "/json", "application/", "application/json=x", "application/json=x; a=b", "application/json; a", '"application/json"',
    '"application/json;"; a', "application/json\xe9", "application/json; a=\xe9", "application/json; " + "x" * 238, "application/json; " + "x" * 239, "application/json; charset=nope",
    "application/json; charset", 'application/json; charset=""', "application/json; a*=nope''x", "application/json; a*=utf-8''x", "application/json; a*=utf-8'x", "application/json; a*=x; a*0=y",
    "application/json; a*=''x", "application/json; a**=nope''x", "application/json; a*x=y", "a; application/json", "application/ld+json", "application/vnd.api+json",
    URLENCODED, URLENCODED.upper(), URLENCODED + ";charset=utf-8", URLENCODED + "; charset=\"UTF-8\"", URLENCODED + "\t", "application/x-www-form-urlencoded2", "x-www-form-urlencoded",
    URLENCODED + "; boundary=x", "application/form-data", "multipart/mixed; boundary=x", "multipart/form-data", "multipart/form-data;", "Multipart/form-data; boundary=x",
    "multipart/Form-Data; boundary=x", " multipart/form-data; boundary=x", "multipart/form-data ; boundary=x", "multipart/form-data; BOUNDARY=x", 'multipart/form-data; boundary="x"',
    "multipart/form-data; boundary = x ", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""', "multipart/form-data; boundary", "multipart/form-data; boundary=<x>",
    "multipart/form-data; boundary=x; boundary=y", "multipart/form-data; boundary=y; boundary=x", "multipart/form-data; boundary*=utf-8''x", "multipart/form-data; boundary*0=x",
    "multipart/form-data; boundary*0*=''x", "multipart/form-data; boundary=y; boundary*=utf-8''%78", "multipart/form-data; boundary*=utf-8''x; boundary=y", "multipart/form-data; boundary*=utf-8''%E9",
    "multipart/form-data; boundary*=latin-1''%E9", "multipart/form-data; boundary*=%E9", "multipart/form-data; boundary*=x%79", "multipart/form-data; boundary*1=y; boundary*0=x", "multipart/form-data; a=\xe9; boundary=x",
    "multipart/form-data; boundary=\xe9", "multipart/form-data; boundary=\x7f", "multipart/form-data; boundary=x y", 'multipart/form-data; boundary="x "', 'multipart/form-data; boundary="x\\""',
    "multipart/form-data; boundary=x, text/plain", 'multipart/form-data; a="; boundary=y"; boundary=x', 'multipart/form-data; a="\\"; boundary=x', "multipart/form-data; a=\\\"; boundary=x", 'multipart/form-data; a="; boundary=x',
    "multipart/form-data boundary=x", "multipart/form-data, boundary=x", "multipart/form-data; boundary=" + "x" * 201, "multipart/form-data; boundary=" + "x" * 202, "multipart/form-data; boundary=x" + " " * 200 + "y",
    'multipart/form-data; boundary="\x01"', "multipart/form-data; boundary='x'", "multipart/form-data; charset=utf-8; boundary=x", "multipart/form-data;;; boundary=x;", "multipart/form-data; =y; boundary=x",
]

URLENCODED_EDGES = [
    "a", "=", "&", "&&", "a=", "=a", "a=1&a=2", "a=1;b=2", "a=1&amp;b=2", "a==b", "a=b=c", "+=+", "a+b=c+d", "%2B=%2b", "%20=%20", "a=%", "a=%2", "a=%zz", "a=%%41", "a=%4%31", "a%3Db=c", "a%26b=c",
    "a=%00", "a=\x00", "a=\r\n", "a=b\n", "a=%E9", "a=%C3%A9", "a=\xc3\xa9", "a=\xe9", "\xe9=%C3%A9", "a=\xc3%A9", "a=%C3\xa9", "a=%C3\xc3\xa9", "a=%E2%82\xc3\xa9", "a=\xc3\xa9%A9", "a=%E2%82%AC", "a=%E2%82", "a=%E2%82x",
    "a=%F0%9F%98%80", "a=%F0%9F%98", "a=%ED%A0%80", "a=%F4%90%80%80", "a=%C0%80", "a=%E0%80%80", "a=%F0%80%80%80", "a=%F5%80", "a=%FF%FE", "a=%EF%BB%BFx", "\xef\xbb\xbfa=b", "a=%u20ac", "a=&a", "a=\xff&b=\xc3\xa9", "a=%c3&b=%a9",
    "username=al&password=correct+horse", "csrfmiddlewaretoken=" + "aB" * 32, '{"a":1}', " a = b ", "a[]=1&a[]=2", "?a=b", "#a=b",
    [["a=1&", 999]], [["a=1&", 999], ["b=2", 1]], [["a=1&", 1000]], [["&", 1000]], [["&", 999]], [["a", 2621440]], [["a", 2621441]], [["a=", 1], ["%41", 100000]],
]


def multipart(*parts, closing="--x--\r\n"):
    return "".join("--x\r\n" + part + "\r\n" for part in parts) + closing


def named(parameters, value="v"):
    return f"Content-Disposition: form-data; {parameters}\r\n\r\n{value}"


NAMES = [
    "name=a", 'name="a"', 'name=""', "name=", "name", "NAME=a", "NAME", "name = a", "name='a'", 'name="a b"', 'name=" a "', 'name="a;b"', "name=a;b", 'name="a\\"b"', 'name="a\\\\b"', 'name="a\\\\"', 'name="a\\"', 'name="a', 'name=a"',
    'name="a"b', 'name=a"b;c"', "name=<a>", "name=a=b", "name=a; name=b", "name=a; Name=b", "nam=a", "xname=a", "name=%41", "name=\xe9", "name=\xc3\xa9", 'name="\xe2\x82\xac"', "name=a%22b", 'name="a%0D%0Ab"', "name=a\tb", "name=a\nb", "name=a\rb",
    "name=\x00", "name=\x1fa", "name=\x1f", "name=\xc2\xa0a", "name=\x0ba", "; name=a", ";;name=a;;", "name=a;", "=b; name=a",
    "name*=utf-8''%C3%A9", "name*=UTF-8''%c3%a9", "name*=utf-8'en'a", "name*=utf8''a", "name*=utf_8''a", "name*=iso-8859-1''%E9", "name*=latin1''%E9", "name*=latin-1''%e9", "name*=us-ascii''%E9", "name*=ascii''a", "name*=''%E9",
    "name*=''a", "name*=''\"a\"", "name*=\"''<a>\"", "name*='a", "name*=a", "name*=%E9", "name*=%C3%A9", "name*=nope''a", "name*=utf-8''", "name*=utf-8''a'b", "name*=utf-8''%", "name*=utf-8''%4", "name*=utf-8''%zz", "name*=utf-8''%FF",
    "name*=utf-8''\xc3\xa9", "name*=utf-8''\xe2\x82\xac", "name*=utf-8''\xf0\x9f\x98\x80", "name*=\xe2\x82\xac", "name*=''\xe2\x82\xac", "name*=latin-1''\xe2\x82\xac", "name*=\"utf-8''a\"", "name*=utf-8''a; name=b", "name=b; name*=utf-8''a", "name*=utf-8''a; name*=utf-8''b",
    "name*=utf-8''b; name*=utf-8''a", "name*0=a; name*1=b", "name*1=b; name*0=a", "name*0=a; name*0=b", "name*0=b; name*00=a", "name*10=c; name*9=b", "name*0*=utf-8''%C3; name*1*=%A9", "name*0*=utf-8''%C3%A9; name*1=%A9", "name*0=utf-8''; name*1*=%C3%A9",
    "name*0=a; name=b", "name*=a; name*0=b", "name*0=a; name*=b", "name**=a", "name*x=a", "name*0x=a", "name*0**=a", "name*-1=a", "na-me*=a; name=b", "*=a; name=b", "name*", "name*0", "name*0*", "name*=utf-8''a\\b", 'name*=utf-8\'\'a\\"b', "name*='\\'a",
    "name*=utf-8'x'\"a\"", 'name*="utf-8\'\'<a>"', "name*00000000000000000000000001=b; name*0=a", "name*99999999999999999999999999=b; name*1=a", "name*0=\xe9; name*1=a", "name*0=\xc3\xa9; name*1*=%C3", "name*=utf-8''%5C%22", "name*=utf-8''%27",
    "filename=f; name=a", 'name=a; filename=""', "name=a; filename", "name=a; filename=f", 'name=a; filename="f.txt"', "name=a; filename*=utf-8''f", "name=a; filename*=utf-8''", "name=a; filename*=nope''f", "name=a; filename=f; filename=",
    "filename=f", "name=; filename=f", "name=a; filename=/", "name=a; filename=..", "name=a; FILENAME=f",
]

HEADERS = [
    "content-disposition: form-data; name=a", "CONTENT-DISPOSITION: FORM-DATA; NAME=a", "Content-Disposition:form-data;name=a", "Content-Disposition : form-data; name=a", " Content-Disposition: form-data; name=a",
    "\tContent-Disposition: form-data; name=a", "\xc2\xa0Content-Disposition: x; name=a", "Content-Disposition; name=a", "Content-Disposition: ; name=a", "Content-Disposition: attachment; name=a", "Content-Disposition: name=a",
    "Content-Disposition: form-data", "Content-Disposition=x: form-data; name=a", "Content-Disposition: form-data=x; name=a", 'Content-Disposition: "form;data"; name=a', "Content-Disposition: form-data; name=a\xff",
    "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data", "Content-Disposition: form-data; name=a\r\nContent-Disposition: x\xff; name=b",
    "Content-Disposition: form-data; filename=f; name=a\r\nContent-Disposition: form-data; name=b", "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b; filename=f", "Content-Disposition: form-data;\r\n name=a",
    "Content-Disposition: form-data; name=a\nX: y", "X: y\nContent-Disposition: form-data; name=a", "X: y", "x", "Content-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset=latin-1", "Content-Disposition: form-data; name=a; x*=nope''y",
    "Content-Disposition: form-data; name=a\r\nx", "Content-Disposition: form-data; name=a\r\nContent-Length: 1", "Content-Disposition: form-data; name=a\r\n:", "X-Content-Disposition: form-data; name=a",
]

ENCODINGS = ["base64", "BASE64", " base64 ", "base64; x=y", "base64 x", "\tbase64", "\xc2\xa0base64", "", "7bit", "quoted-printable", '"base64"', "base64=x; y", "base64\r\nContent-Transfer-Encoding: 8bit"]
CONTENTS = ["YWw=", "YWw", "YW w=\r\n", "YWxh", "YWxhbA==", "YWxhb!A==", "YWw=YWw=", "Y", "", "=", "====", "!", "w6k=", "6Q==", "al", "YWxhYg=", "\xff", "YWxh\x0b\x0c", "YWxh\x00"]

MULTIPART_EDGES = [
    multipart(PART), multipart(PART, PART), multipart(), "", "--x", "--x--", "--x\r\n", "x", "\r\n", "\r\n--x", "-", "--", "--y\r\n" + PART, PART, PART + "\r\n--x", "--x\r\n" + PART, "--x\r\n" + PART + "\r\n", "--x\r\n" + PART + "\r\n--", "--x\r\n" + PART + "\r\n--y--",
    "--x\r\n" + PART + "\r\n--x", "--x\r\n" + PART + "\n--x", "--x\r\n" + PART + "\r--x", "--x\r\n" + PART + "--x", "--x\r\n" + PART + "\n\n--x", "--x\r\n" + PART + "\r\r\n--x", "--x\r\n" + PART + "\n\r--x", "--x\r\n" + PART + "\r\n\r\n--x",
    "--x\n" + PART + "\r\n--x--", "--x" + PART + "\r\n--x--", "--x \r\n" + PART + "\r\n--x--", "--xy\r\n" + PART + "\r\n--x--", "--x--\r\n" + PART + "\r\n--x--", "preamble\r\n" + multipart(PART), multipart(PART) + "epilogue", multipart(PART) + PART,
    multipart(PART) + "\r\n" + PART, multipart(PART.replace("\r\n", "\n")), multipart(PART + "--x" + "tail"), multipart(named("name=a", "1 --x-- 2")), multipart("\r\n" + PART), multipart("\r\n\r\nv"), multipart("X: y\r\n\r\n" + PART),
    multipart(named("name=a", "")), multipart(named("name=a", "\r\n")), multipart(named("name=a", "\xe9")), multipart(named("name=a", "\xc3\xa9\x00\xff")), multipart(named("name=a", "\xef\xbb\xbf")), multipart(named("name=a", "1"), named("name=a", "2"), named("name=b", "3")),
    "\n--x\r\n" + PART + "\r\n--x--", "\r--x\r\n" + PART + "\r\n--x--", "--x--x--x--x", "--x\r\n\r\n--x\r\n\r\n\r\n--x", "-" * 100 + "x\r\n" + PART, "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n", "--x\r\nContent-Disposition: form-data; name=a\r\n\r", "--x\r\nContent-Disposition: form-data; name=a\r\n",
    # Sizes; the least boundary's separators have their CRLF.
    [["p", 1023], [multipart(PART), 1]], [["p", 1024], [multipart(PART), 1]], [["p", 1022], ["\r\n", 1], [multipart(PART), 1]], [["--x\r\nX: ", 1], ["y", 1000], ["\r\n" + PART + "\r\n--x--", 1]], [[multipart(PART), 1], ["e", 1023]], [[multipart(PART), 1], ["e", 1019]],
    [[multipart(PART), 1], ["e", 1018]], [[multipart(PART), 1], ["e", 5000]], [["--x\r\nX: ", 1], ["y", 1013], ["\r\n\r\n--x--", 1]], [["--x\r\nX: ", 1], ["y", 1015], ["\r\n\r\n--x--", 1]], [["--x\r\nX: ", 1], ["y", 1016], ["\r\n\r\n--x--", 1]],
    [["--x\r\nX: ", 1], ["y", 1017], ["\r\n\r\n--x--", 1]], [["--x\r\nX: ", 1], ["y", 1019], ["\r\n\r\n--x--", 1]], [["--x\r\n" + named("name=a", "v\r\n"), 1000], ["--x--", 1]], [["--x\r\n" + named("name=a", "v\r\n"), 1001], ["--x--", 1]], [["--x", 1000]], [["--x", 1001]],
    [["--x", 1002]], [["--x", 1003]], [["--x\r\nX: y\r\n\r\n", 1100]], [["--x\r\n" + named("name=a; filename=f", "v\r\n"), 100], ["--x--", 1]], [["--x\r\n" + named("name=a; filename=f", "v\r\n"), 101], ["--x--", 1]], [["--x\r\n" + named("filename=f", "v\r\n"), 1100], ["--x--", 1]],
    [["--x\r\n" + named("name=a", ""), 1], ["v", 2621437], ["\r\n--x--", 1]], [["--x\r\n" + named("name=a", ""), 1], ["v", 2621438], ["\r\n--x--", 1]], [["--x\r\n" + named("name=\xc3\xa9", ""), 1], ["v", 2621437], ["\r\n--x--", 1]],
    [["--x\r\n" + named("name=a", ""), 1], ["v", 1310717], ["\r\n", 1], ["--x\r\n" + named("name=b", ""), 1], ["v", 1310718], ["\r\n--x--", 1]], [["--x\r\n" + named("name=a", ""), 1], ["v", 1310717], ["\r\n", 1], ["--x\r\n" + named("name=b", ""), 1], ["v", 1310716], ["\r\n--x--", 1]],
    [["--x\r\n" + named("name=a; filename=f", ""), 1], ["v", 3000000], ["\r\n--x\r\n" + PART + "\r\n--x--", 1]], [["--x\r\n" + named("name=a; filename=f", ""), 1], ["v\r\n", 50000], ["--x\r\n" + PART + "\r\n--x--", 1]],
    # Separators around the ends of what Django reads at once.
    *([["--x\r\n" + named("name=a", ""), 1], ["v", 65536 - 49 - back], ["\r\n--x\r\n" + PART + "\r\n--x--", 1]] for back in range(-2, 12)),
]


class FormGenerator:
    """Random forms near what is valid."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def urlencoded(self):
        pieces = ["a", "b", "1", "+", "&", "&", "=", "=", ";", "%20", "%41", "%", "%C3", "%A9", "%E2%82%AC", "%F0%9F", "%98%80", "%ED%A0", "%zz", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "%00", "%2", "username=", "password=", "&password=", "\n"]
        body = "".join(self.r.choices(pieces, k=self.r.choice([1, 3, 5, 8, 13])))
        return self.changed(body) if self.r.random() < 0.2 else body

    def parameters(self):
        tokens = ["name", "name", "name*", "name*0", "name*1", "name*0*", "filename", "x", "NAME", "filename*", ""]
        values = ["a", '"a"', '"a b"', "utf-8''%C3%A9", "utf-8''b", "''%E9", "%41", '"a\\"b"', "\xc3\xa9", '"a;b"', "<a>", "", '""', "latin-1'en'%E9", "nope''a", '"\\\\"', "a'b", "\\", '"', "%E2%82", "'"]
        pieces = [self.r.choice(["", " ", "  "]) + self.r.choice(tokens) + self.r.choice(["=", "=", "=", " = ", ""]) + self.r.choice(values) for _ in range(self.r.choice([0, 1, 1, 2, 3]))]
        return ";".join(["name=" + self.r.choice("ab")] * (self.r.random() < 0.6) + pieces)

    def part(self):
        r = self.r
        lines = ["Content-Disposition: form-data; " + self.parameters()] if r.random() < 0.85 else [r.choice(HEADERS)]
        if r.random() < 0.3:
            lines.append("Content-Transfer-Encoding: " + r.choice(ENCODINGS))
        if r.random() < 0.2:
            lines.append(r.choice(["Content-Type: text/plain", "X: y", "", "x"]))
        r.shuffle(lines)
        return "\r\n".join(lines) + "\r\n\r\n" + r.choice([*CONTENTS, "v", "correct horse", "\r\n", "--x", "\xc3\xa9", "\r", "\n"])

    def multipart(self):
        r = self.r
        parts = [self.part() for _ in range(r.choice([1, 1, 2, 3]))]
        body = r.choice(["", "", "", "preamble\r\n", "\r\n"]) + multipart(*parts, closing=r.choice(["--x--\r\n", "--x--\r\n", "--x--", "--x", "", "--x--\r\nepilogue"]))
        for _ in range(r.choice([0, 0, 0, 1, 2])):
            body = self.changed(body)
        return body

    def changed(self, text):
        at = self.r.randrange(len(text) + 1)
        to = min(len(text), at + self.r.choice([0, 1, 1, 2, 4]))
        put = self.r.choice(["", "", "\r\n", "\n", "\r", "--x", "-", ";", '"', "\\", "=", "*", "'", "%", ":", " ", "\t", "\x00", "\xff", "\xc3\xa9", "\r\n\r\n", chr(self.r.randrange(256))])
        return text[:at] + put + text[to:]

    def content_type(self):
        text = self.r.choice(TYPES)
        # A charset that Python knows makes a difference that we do not make.
        changed = self.changed(text) if self.r.random() < 0.7 else text
        return changed if "charset" not in changed.lower() else text


def form_lines():
    lines = [form_line(content_type, body) for content_type in TYPES for body in ["", multipart(PART), "a=b"]]
    lines += [form_line(URLENCODED, body) for body in URLENCODED_EDGES]
    bodies = [*MULTIPART_EDGES, *(multipart(named(name)) for name in NAMES), *(multipart(header + "\r\n\r\nv") for header in HEADERS)]
    for file in ["", "; filename=f"]:
        encoded = lambda encoding: f"Content-Disposition: x; name=a{file}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"  # noqa: E731
        bodies += [multipart(encoded("base64") + content) for content in CONTENTS]
        bodies += [multipart(encoded(encoding) + content) for encoding in ENCODINGS for content in ["YWw=", "YWw"]]
    lines += [form_line(MULTIPART, body) for body in bodies]
    generator = FormGenerator(args.rng)
    for i in range(args.count):
        if i % 4 == 0:
            lines.append(form_line(URLENCODED, generator.urlencoded()))
        elif i % 4 == 1:
            lines.append(form_line(generator.content_type(), generator.r.choice([multipart(PART), "a=b"])))
        else:
            lines.append(form_line(MULTIPART, generator.multipart()))
    return lines


def main():
    files = {"json.jsonl": json_lines(), "forms.jsonl": form_lines()}
    same = True
    for name, lines in files.items():
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        target = os.path.join(args.out, name)
        if args.check:
            with open(target, encoding="utf-8") as f:
                same = same and f.read() == text
            continue
        os.makedirs(args.out, exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="") as f:
            f.write(text)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
