"""Contexts and requests: the library as Python sees it."""

import ctypes
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref, c_uint32, c_void_p
from datetime import timedelta
from typing import Any, Final, NoReturn, TypeVar

from . import _environ, _ffi, _out, schemes
from ._http import Headers, Text, http
from .errors import AuthError, ConfigError, Status
from .schemes import Scheme
from .verdict import (
    Assertion,
    CsrfToken,
    Edits,
    EndedSession,
    Session,
    StoredToken,
    Token,
    User,
    Verdict,
)

Log = Callable[[int, str], object]
"""Takes syslog's severity (3 failure, 5 refused, 7 passed) and one line without secrets, on the
thread of the request. It must not block and must not call this package."""

Path = str | os.PathLike[str]

_lib: Final = _ffi.library

_MOST_INPUT: Final = 1 << 20
"""What one call takes."""


_Closes = TypeVar("_Closes", bound="_Closing")


class _Unpicklable:
    """What points into the library, of this process only."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} belongs to its process and cannot be pickled or copied")


class _Closing(_Unpicklable):
    """What `with` closes."""

    __slots__ = ()

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: _Closes) -> _Closes:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Endpoint(_Unpicklable):
    """An endpoint of a context (`Context.endpoint`), for `Request.serve`."""

    __slots__ = ("_handle", "_number", "name")

    def __init__(self, name: str, number: int, handle: "_Handle") -> None:
        self.name: Final = name
        self._number = number
        self._handle = handle

    def __repr__(self) -> str:
        return f"<Endpoint {self.name!r}>"


class Context(_Closing):
    """A loaded configuration, for any number of threads.

    With neither `path` nor `text` the usual file is meant: $AUTHCHAIN_CONFIG, else the one in
    /etc/authchain. `base_dir` is where relative paths of the configuration start; the file's own
    folder when not given. `host` names the application in log lines.

    ConfigError: the configuration cannot be used.

    >>> context = Context("authchain.toml")
    >>> context.authenticate({"Authorization": "Token unknown"}).response.body
    '{"detail":"Invalid token."}'
    >>> context.check_password("alice", "wonderland").name
    'alice'
    >>> context.lookup(name="alice").email
    'alice@example.com'
    >>> context.unsign(context.sign("page 7", salt="shop"), salt="shop")
    'page 7'
    >>> context.close()
    """

    __slots__ = ("_chains", "_handle", "__weakref__")

    def __init__(
        self,
        path: Path | None = None,
        *,
        text: str | None = None,
        base_dir: Path | None = None,
        host: str = "",
        log: Log | None = None,
        schemes: Iterable[Scheme] = (),
    ) -> None:
        options, keep = _options(path, text, base_dir, host, log, schemes)
        out, why = c_void_p(), c_void_p()
        status = _lib.auth_context_open(byref(options), byref(out), byref(why))
        _out.check_report(status, why)
        self._take(out.value, keep)

    def _take(self, pointer: int | None, keep: object) -> None:
        assert pointer is not None
        self._handle: _Handle | None = _Handle(pointer, keep)
        self._chains: dict[str, int] = {}

    def close(self) -> None:
        """Gives up the configuration; calls under way on other threads end as they would have.
        Everything but `close` then raises ValueError."""
        self._handle = None

    def reload(self) -> None:
        """Loads the configuration again, from where the context was opened; requests keep the one
        that they began with. ConfigError: it cannot be used, and the one in use stays."""
        handle = self._open()
        why = c_void_p()
        _out.check_report(_lib.auth_context_reload(handle.pointer, byref(why)), why)

    @property
    def wants_tick(self) -> bool:
        """Whether anybody has to call `tick`: public keys come from an address (`jwk_url`)."""
        return bool(_lib.auth_context_wants_tick(self._open().pointer))

    def tick(self) -> None:
        """Fetches the sets of public keys that come from an address and are due: not more than one in 30
        seconds, for three seconds at most each. Until the first has come, verdicts that need it are
        failures (503). Call it once a second or so, in each process, on a thread of its own.

        StoreError: an address gave no set that can be used; the last good one stays, and the log says why.
        """
        _out.check(_lib.auth_context_tick(self._open().pointer))

    def metrics(self) -> str:
        """What has been answered so far, by chain, endpoint and outcome, in Prometheus' text format
        (0.0.4)."""
        metrics = self._find(_lib.auth_context_metrics)
        try:
            return _out.text(_lib.auth_metrics_text(metrics))
        finally:
            _lib.auth_metrics_free(metrics)

    # --- requests ---------------------------------------------------------------------------

    def authenticate(
        self,
        headers: Headers = (),
        *,
        chain: str = "default",
        required: bool = False,
        method: Text = "",
        target: Text = "",
        host: Text = "",
        peer: Text = "",
        remote_user: Text = "",
        tls: bool = False,
        skip_csrf: bool = False,
        now_us: int = 0,
    ) -> Verdict:
        """Judges a request by a chain. With `required` nobody is refused even where the chain
        lets nobody pass.

        A failure (a database that cannot answer) comes back as a verdict too: it is false, its
        `response` a 503. An absent method counts as unsafe. `remote_user` is what the server
        verified, never what the client says; `now_us` is Unix time in microseconds, for tests.

        ConfigError: no such chain. ValueError: a character that is no byte. AuthError: more than
        1 MiB of headers, or a block with a line that is no header field.
        """
        handle = self._open()
        number = self._chain(handle, chain)
        request = _begin(
            handle,
            http(
                headers,
                method=method,
                target=target,
                host=host,
                peer=peer,
                remote_user=remote_user,
                tls=tls,
                skip_csrf=skip_csrf,
                now_us=now_us,
            ),
        )
        try:
            status = _lib.auth_request_authenticate(request, number)
            if required and status == Status.ANONYMOUS:
                status = _lib.auth_request_deny(request, _ffi.text(""))
            return _out.verdict(request, status)
        finally:
            _lib.auth_request_free(request)

    def authenticate_environ(
        self, environ: Mapping[str, Any], *, chain: str = "default", required: bool = False
    ) -> Verdict:
        """Judges the request of a WSGI environment, as `authenticate` does."""
        return self.authenticate(**_environ.facts(environ), chain=chain, required=required)

    def request(
        self,
        headers: Headers = (),
        *,
        method: Text = "",
        target: Text = "",
        host: Text = "",
        peer: Text = "",
        remote_user: Text = "",
        tls: bool = False,
        skip_csrf: bool = False,
        now_us: int = 0,
    ) -> "Request":
        """Begins a request that several chains may judge, or that the application may deny.
        Raises as `authenticate`."""
        handle = self._open()
        made = http(
            headers,
            method=method,
            target=target,
            host=host,
            peer=peer,
            remote_user=remote_user,
            tls=tls,
            skip_csrf=skip_csrf,
            now_us=now_us,
        )
        return Request(_begin(handle, made), handle, lambda chain: self._chain(handle, chain))

    def endpoint(self, name: str) -> Endpoint:
        """An endpoint of the configuration. ConfigError: there is none of this name."""
        handle = self._open()
        number = c_uint32()
        status = _lib.auth_context_endpoint(handle.pointer, _ffi.text(name), byref(number))
        if status == Status.ECONFIG:
            raise ConfigError(f"the configuration has no endpoint {name!r}")
        _out.check(status)
        return Endpoint(name, number.value, handle)

    # --- sessions ---------------------------------------------------------------------------

    def create_session(self, user: str, *, cookie: Text = "", backend: str = "") -> Session:
        """Logs a user in, as Django's `auth.login` does. That it is this user has to be known.

        `cookie` is the session cookie that the browser sent: what that session holds is kept under
        a new key, unless it was another user's. `backend` is one of `authentication_backends`, by
        default the one that checks passwords. AuthError: no such user, or inactive
        (`Status.REFUSED`); no such backend (`Status.ENOTSUP`). StoreError: the database cannot
        answer.
        """
        options = _ffi.auth_session_options(
            size=ctypes.sizeof(_ffi.auth_session_options),
            user=_ffi.text(user),
            cookie=_ffi.text(cookie),
            backend=_ffi.text(backend),
        )
        made = self._find(_lib.auth_session_create, byref(options))
        session = _out.found(made, f"no active user {user!r}")
        try:
            return Session(key=_out.text(_lib.auth_session_key(session)), cookies=_out.cookies(session))
        finally:
            _lib.auth_session_free(session)

    def end_session(self, cookie: Text) -> EndedSession:
        """Ends the session of a cookie; what it returns also takes the cookie away. StoreError: the
        database cannot answer."""
        handle = self._open()
        out = c_void_p()
        status = _lib.auth_session_end(handle.pointer, _ffi.text(cookie), byref(out))
        _out.check(status)
        try:
            return EndedSession(existed=status == Status.OK, cookies=_out.cookies(out))
        finally:
            _lib.auth_session_free(out)

    # --- signed texts -----------------------------------------------------------------------

    def sign(self, value: str, salt: str = "") -> str:
        """The value with a signature by `secret_key`, as Django's `Signer(salt=salt)` signs. Name
        the purpose in the salt. It is not hidden: everybody can read it."""
        return self._sign(value, _signing(0, salt))

    def unsign(self, signed: Text, salt: str = "") -> str | None:
        """The value; None when it was not signed so."""
        return self._unsign(signed, _signing(0, salt))

    def sign_timed(self, value: str, salt: str = "") -> str:
        """The value with the moment and a signature, as `TimestampSigner(salt=salt)` signs."""
        return self._sign(value, _signing(_ffi.SIGN_TIMED, salt))

    def unsign_timed(
        self, signed: Text, salt: str = "", *, max_age: int | timedelta | None
    ) -> str | None:
        """The value; None when it was not signed so, or longer ago than `max_age` (seconds; None
        is any time)."""
        return self._unsign(signed, _signing(_ffi.SIGN_TIMED, salt, max_age=max_age))

    def sign_cookie(self, name: str, value: str, salt: str = "") -> str:
        """The value of a cookie, as Django's `set_signed_cookie` writes it."""
        return self._sign(value, _signing(_ffi.SIGN_COOKIE, salt, name))

    def unsign_cookie(
        self, name: str, cookie: Text, salt: str = "", *, max_age: int | timedelta | None
    ) -> str | None:
        """What a signed cookie holds, as `get_signed_cookie` reads it; else as `unsign_timed`."""
        return self._unsign(cookie, _signing(_ffi.SIGN_COOKIE, salt, name, max_age=max_age))

    def _sign(self, value: str, how: _ffi.auth_sign_options) -> str:
        signed = self._find(_lib.auth_sign, byref(how), _ffi.text(value))
        try:
            return _out.text(_lib.auth_signed_text(signed))
        finally:
            _lib.auth_signed_free(signed)

    def _unsign(self, text: Text, how: _ffi.auth_sign_options) -> str | None:
        signed = self._find(_lib.auth_unsign, byref(how), _ffi.text(text))
        try:
            return _out.option(_lib.auth_signed_value(signed))
        finally:
            _lib.auth_signed_free(signed)

    # --- tokens -----------------------------------------------------------------------------

    def create_token(
        self, user: str, kind: str = "token", reset: bool = False, *, client: str = ""
    ) -> Token:
        """The user's token: the one there is, or a new one; with `reset` always a new one.

        `kind` is the name of a token scheme; `client` that of a client where it has them (durin).
        AuthError: no such user or client (`Status.REFUSED`), no such kind, or a client where there
        are none, or none where there are (`Status.ENOTSUP`). StoreError: the database cannot answer.
        """
        options = _ffi.auth_token_options(
            size=ctypes.sizeof(_ffi.auth_token_options),
            flags=_ffi.TOKEN_RESET if reset else 0,
            kind=_ffi.text(kind),
            user=_ffi.text(user),
            client=_ffi.text(client),
        )
        what = f"no user {user!r}" + (f", or no client {client!r}" if client else "")
        return _out.token(_out.found(self._find(_lib.auth_token_create, byref(options)), what))

    def refresh_token(self, key: str, kind: str) -> Token | None:
        """New tokens for one that can be renewed, of simplejwt a refresh token; None when it has
        ended, was used up, or its owner may not log in. Raises as `create_token`."""
        token = self._find(_lib.auth_token_refresh, _ffi.text(kind), _ffi.text(key))
        return None if token is None else _out.token(token)

    def verify_token(self, key: str, kind: str = "token") -> User | None:
        """The owner of a key; None when there is no such key or its owner is inactive. Raises
        StoreError, and AuthError for a kind that is not there."""
        return _out.owned(self._find(_lib.auth_token_verify, _ffi.text(kind), _ffi.text(key)))

    def revoke_token(self, key: str, kind: str = "token") -> bool:
        """Deletes a token; False when there was none. Raises as `verify_token`."""
        return self._do(_lib.auth_token_revoke, _ffi.text(kind), _ffi.text(key))

    def revoke_tokens(self, user: str, kind: str = "token") -> int:
        """Deletes every token of a user; how many there were. Raises as `create_token`."""
        count = ctypes.c_size_t()
        if not self._do(_lib.auth_token_revoke_all, _ffi.text(kind), _ffi.text(user), byref(count)):
            raise AuthError(Status.REFUSED, f"no user {user!r}")
        return count.value

    def tokens(self, user: str | None = None, kind: str = "token") -> list[StoredToken]:
        """The tokens of a user, or of everybody, oldest first. Raises as `create_token`."""
        if user == "":
            raise AuthError(Status.REFUSED, "no user ''")
        listed = self._find(_lib.auth_token_list, _ffi.text(kind), _ffi.text(user or ""))
        tokens = _out.found(listed, f"no user {user!r}")
        try:
            return [
                StoredToken(
                    id=_out.text(_lib.auth_tokens_id(tokens, i)),
                    user=_out.text(_lib.auth_tokens_user(tokens, i)),
                    created=_out.text(_lib.auth_tokens_created(tokens, i)),
                    expires=_out.option(_lib.auth_tokens_expires(tokens, i)),
                )
                for i in range(_lib.auth_tokens_count(tokens))
            ]
        finally:
            _lib.auth_tokens_free(tokens)

    # --- users ------------------------------------------------------------------------------

    def lookup(
        self, *, name: str | None = None, id: str | int | None = None, email: str | None = None
    ) -> User | None:
        """The user of a name, a key or an address, with groups, active or not; None when there is
        none, or two of one address. This finds, it does not let in.

        TypeError: not exactly one of them is given. StoreError: the database cannot answer.
        """
        wanted = [(_ffi.BY_NAME, name), (_ffi.BY_ID, id), (_ffi.BY_EMAIL, email)]
        given = [(by, value) for by, value in wanted if value is not None]
        if len(given) != 1:
            raise TypeError("lookup takes exactly one of name, id and email")
        [(by, value)] = given
        return _out.owned(self._find(_lib.auth_user_lookup, by, _ffi.text(str(value))))

    def create_user(
        self,
        name: str,
        password: str | bytes | None = None,
        *,
        email: str = "",
        is_staff: bool = False,
        is_superuser: bool = False,
    ) -> User:
        """Creates a user; without a password none can log in.

        AuthError: the name is taken (`Status.REFUSED`), or is empty, too long, or holds a NUL
        (`Status.EINVAL`). StoreError: the database cannot answer.
        """
        flags = (_ffi.NEW_STAFF if is_staff else 0) | (_ffi.NEW_SUPERUSER if is_superuser else 0)
        new = _ffi.auth_new_user(
            size=ctypes.sizeof(_ffi.auth_new_user),
            flags=flags | (_ffi.NEW_NO_PASSWORD if password is None else 0),
            name=_ffi.text(name),
            email=_ffi.text(email),
            password=_ffi.text(b"" if password is None else password),
        )
        made = self._find(_lib.auth_user_create, byref(new))
        return _out.read_owned(_out.found(made, f"the name {name!r} is taken"))

    def check_password(self, name: str, password: str | bytes) -> User | None:
        """The user, if the password is right and the user may log in; else None, after the time
        of one hash. StoreError: the database cannot answer."""
        return _out.owned(self._find(_lib.auth_password_check, _ffi.text(name), _ffi.text(password)))

    def set_password(self, name: str, password: str | bytes) -> None:
        """Sets a password. AuthError: no such user (`Status.REFUSED`), or a password that the
        hasher cannot take (`Status.EINVAL`). StoreError: the database cannot answer."""
        if not self._do(_lib.auth_password_set, _ffi.text(name), _ffi.text(password)):
            raise AuthError(Status.REFUSED, f"no user {name!r}")

    # --- inside -----------------------------------------------------------------------------

    def _open(self) -> "_Handle":
        handle = self._handle
        if handle is None:
            raise ValueError("the context is closed")
        return handle

    def _chain(self, handle: "_Handle", name: str) -> int:
        known = self._chains.get(name)
        if known is not None:
            return known
        number = c_uint32()
        status = _lib.auth_context_chain(handle.pointer, _ffi.text(name), byref(number))
        if status == Status.ECONFIG:
            raise ConfigError(f"the configuration has no chain {name!r}")
        _out.check(status)
        return self._chains.setdefault(name, number.value)

    def _find(self, function: Any, *arguments: Any) -> int | None:
        """Calls a function that gives something or says AUTH_REFUSED, which is None."""
        handle = self._open()  # keeps the context alive until the call is over
        out = c_void_p()
        status = function(handle.pointer, *arguments, byref(out))
        if status == Status.REFUSED:
            return None
        _out.check(status)
        return out.value

    def _do(self, function: Any, *arguments: Any) -> bool:
        """Calls a function that does something or says AUTH_REFUSED, which is False."""
        handle = self._open()
        status = function(handle.pointer, *arguments)
        if status == Status.REFUSED:
            return False
        _out.check(status)
        return True


class Request(_Closing):
    """A request being judged. A chain or endpoint asked again gives the same verdict.

    Calls from several threads take turns. ValueError: the request is closed.

    >>> with Context("authchain.toml") as context:
    ...     key = context.create_token("alice").key
    ...     with context.request({"Authorization": f"Token {key}", "X-Auth-User": "eve"}) as request:
    ...         if request.authenticate():
    ...             print(request.edits().add[0], request.deny("Not on Sundays.").response.status)
    ('X-Auth-User', 'alice') 403
    """

    __slots__ = ("_chain", "_handle", "_lock", "_pointer", "__weakref__")

    def __init__(self, pointer: int, handle: "_Handle", chain: Callable[[str], int]) -> None:
        self._pointer = pointer
        self._handle = handle
        self._chain = chain
        self._lock = threading.Lock()

    def authenticate(self, chain: str = "default") -> Verdict:
        """Judges the request by a chain. ConfigError: no such chain."""
        number = self._chain(chain)
        with self._lock:
            pointer = self._open()
            return _out.verdict(pointer, _lib.auth_request_authenticate(pointer, number))

    def wants_body(self, target: str | Endpoint = "default") -> bool:
        """Whether a chain, by its name, or an endpoint needs the body of this request: then `feed`
        it first. ConfigError: no such chain."""
        number = self._number(target)
        with self._lock:
            return bool(_lib.auth_request_wants(self._open(), number) & _ffi.WANTS_BODY)

    def feed(self, piece: bytes, *, last: bool = True) -> None:
        """Hands over the body, or the next piece of it. Of a body beyond 2.5 MiB no more is kept,
        and the verdict is 413. AuthError: the last piece was there already."""
        with self._lock:
            pointer = self._open()
            pieces = [piece[i : i + _MOST_INPUT] for i in range(0, len(piece), _MOST_INPUT)]
            for i, part in enumerate(pieces or [b""], 1):
                ends = last and i >= len(pieces)
                _out.check(_lib.auth_request_feed_body(pointer, _ffi.text(part), int(ends)))

    def serve(self, endpoint: Endpoint) -> Verdict:
        """Serves an endpoint: send the verdict's `response` whatever the status. ValueError: an
        endpoint of another context."""
        number = self._number(endpoint)
        with self._lock:
            pointer = self._open()
            return _out.verdict(pointer, _lib.auth_request_serve(pointer, number))

    def csrf_token(self) -> CsrfToken | None:
        """A CSRF token for a page of the application's own (Django's `get_token`). None: the
        configuration has the secrets in sessions, and the request has no session.

        StoreError: the database cannot answer.
        """
        out = c_void_p()
        with self._lock:
            status = _lib.auth_csrf_token(self._open(), byref(out))
        _out.check(status)
        if status == Status.REFUSED:
            return None
        try:
            cookie = _out.option(_lib.auth_csrf_cookie(out))
            return CsrfToken(text=_out.text(_lib.auth_csrf_text(out)), cookie=cookie)
        finally:
            _lib.auth_csrf_free(out)

    def assertion(self, audience: str) -> Assertion | None:
        """A short-lived signed token that says to `audience`, a program that the request is passed on to,
        who the user is. None: the last verdict found nobody.

        AuthError: the configuration has no `[assertion]`, or the audience is empty.
        """
        out = c_void_p()
        with self._lock:
            status = _lib.auth_request_assert(self._open(), _ffi.text(audience), byref(out))
        _out.check(status)
        if status == Status.REFUSED:
            return None
        try:
            return Assertion(_out.text(_lib.auth_assertion_header(out)), _out.text(_lib.auth_assertion_text(out)))
        finally:
            _lib.auth_assertion_free(out)

    def deny(self, detail: str = "") -> Verdict:
        """The application's own no, answered by DRF's rule: nobody is asked to log in, somebody
        is told 403 and `detail`. AuthError: no verdict has been given yet."""
        with self._lock:
            pointer = self._open()
            status = _lib.auth_request_deny(pointer, _ffi.text(detail))
            _out.check(status)
            return _out.verdict(pointer, status)

    def edits(self) -> Edits:
        """What to change in the headers before the request is passed on to an application. Also
        before a verdict and after a refusal: what a client may not say about the user goes."""
        with self._lock:
            return _out.edits(self._open())

    def log_line(self) -> str:
        """The last verdict in one line for a log, without secrets."""
        with self._lock:
            return _out.text(_lib.auth_request_log(self._open()))

    def close(self) -> None:
        """Ends the request."""
        with self._lock:
            self.__del__()

    def __del__(self) -> None:
        pointer, self._pointer = self._pointer, 0
        if pointer:
            _lib.auth_request_free(pointer)

    def _number(self, target: str | Endpoint) -> int:
        if isinstance(target, str):
            return self._chain(target)
        if target._handle is not self._handle:
            raise ValueError(f"{target!r} is of another context")
        return target._number

    def _open(self) -> int:
        if not self._pointer:
            raise ValueError("the request is closed")
        return self._pointer


def default_context() -> Context:
    """The context of the usual file, opened once for the process; a failure is tried again once a
    second at most. ConfigError: the configuration cannot be used."""
    out, why = c_void_p(), c_void_p()
    _out.check_report(_lib.auth_default_context(byref(out), byref(why)), why)
    context = Context.__new__(Context)
    context._take(out.value, None)
    return context


def check_config(
    path: Path | None = None,
    *,
    text: str | None = None,
    base_dir: Path | None = None,
    schemes: Iterable[Scheme] = (),
) -> None:
    """Checks a configuration without opening a database. ConfigError: it cannot be used."""
    options, _keep = _options(path, text, base_dir, "", None, schemes)
    why = c_void_p()
    _out.check_report(_lib.auth_config_check(byref(options), byref(why)), why)


def library_version() -> str:
    """The version of the library, such as "0.1.0"."""
    return _out.text(_lib.auth_version())


class _Handle(_Unpicklable):
    """Owns a context of the library: it is freed when the last call that uses it is over."""

    __slots__ = ("argument", "pointer", "__weakref__")

    def __init__(self, pointer: int, keep: object) -> None:
        self.pointer = pointer
        self.argument: Final = c_void_p(pointer)
        """As functions take it whose arguments are not looked at."""
        _freed(self, _lib.auth_context_free, pointer, keep)


def _freed(
    owner: object, free: Callable[[int], None], pointer: int, keep: object
) -> "weakref.finalize[[int, object], object]":
    """Frees `pointer` with its owner and keeps `keep` until then. Not at exit: a daemon thread
    may be in the library still."""

    def release(pointer: int, keep: object) -> None:
        free(pointer)

    finalizer = weakref.finalize(owner, release, pointer, keep)
    finalizer.atexit = False
    return finalizer


def _options(
    path: Path | None,
    text: str | None,
    base_dir: Path | None,
    host: str,
    log: Log | None,
    own: Iterable[Scheme],
) -> tuple[_ffi.auth_options, object]:
    """The struct, and what has to live as long as what is opened with it."""
    if path is not None and text is not None:
        raise TypeError("a configuration is a path or a text, not both")
    if path is not None and not os.fspath(path):
        raise ValueError("the path of the configuration is empty")  # the library: the usual file
    if text is not None:
        text = text or "\n"  # the same
    array = schemes.array(own)
    logged = _logged(log) if log else _ffi.LOG()
    options = _ffi.auth_options(
        size=ctypes.sizeof(_ffi.auth_options),
        path=_ffi.text(os.fspath(path or "")),
        text=_ffi.text(text or ""),
        base_dir=_ffi.text(os.fspath(base_dir or "")),
        host=_ffi.text(host),
        log=logged,
        schemes=array if len(array) else None,
        n_schemes=len(array),
    )
    return options, (logged, array)


def _signing(
    flags: int, salt: str, cookie: str = "", max_age: int | timedelta | None = 0
) -> _ffi.auth_sign_options:
    if isinstance(max_age, timedelta):
        max_age = int(max_age.total_seconds())
    return _ffi.auth_sign_options(
        size=ctypes.sizeof(_ffi.auth_sign_options),
        flags=flags | (_ffi.SIGN_ANY_AGE if max_age is None else 0),
        max_age=max_age or 0,
        salt=_ffi.text(salt),
        cookie=_ffi.text(cookie),
    )


def _logged(log: Log) -> Any:
    def take(_data: int | None, severity: int, line: bytes) -> None:
        log(severity, line.decode())

    return _ffi.LOG(take)


def _begin(handle: _Handle, request: _ffi.auth_http) -> int:
    out = c_void_p()
    status = _lib.auth_request_new(handle.pointer, byref(request), byref(out))
    if status == Status.EINVAL:
        text = "the headers are larger than 1 MiB or have a line that is no header field"
        raise AuthError(Status.EINVAL, text)
    _out.check(status)
    assert out.value is not None
    return out.value
