"""What a request came to. Plain values: they outlive the context and may go to any thread.

Those of every request have no slots: `made` fills their dict at once, where the `__init__` of a frozen
class sets field after field.
"""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from .errors import AuthError, Refused, Status, StoreError, Throttled


@dataclass(frozen=True)
class User:
    """Who it is. `groups` is filled in by `Context.lookup` only."""

    name: str
    id: str | None = None
    """`str(user.pk)` of Django; None for the anonymous user."""
    email: str = ""
    scheme: str | None = None
    """The scheme that found the user, by its name in the configuration; None after a look-up."""
    is_active: bool = False
    is_staff: bool = False
    is_superuser: bool = False
    auth: str | None = None
    """Which credential it was, as the log names it; never the credential."""
    groups: tuple[str, ...] = ()
    is_claimed: bool = False
    """A token says who it is, and no database was asked: `id` and `name` are nobody's there."""
    claims: dict[str, Any] | None = field(default=None, hash=False, repr=False)
    """What the credential itself says: the claims of a signed token; None for others."""

    @property
    def is_anonymous(self) -> bool:
        """Whether this is nobody."""
        return self.id is None


_Made = TypeVar("_Made")


def made(kind: type[_Made], fields: dict[str, Any]) -> _Made:
    """An instance of a frozen class without slots, of all its fields."""
    instance = object.__new__(kind)
    instance.__dict__.update(fields)
    return instance


ANONYMOUS = User(name="")
"""Nobody: the user of every verdict that is not `ok`."""


@dataclass(frozen=True)
class Response:
    """What to send verbatim. After a success: status 200, no body, and the headers to add."""

    status: int
    headers: list[tuple[str, str]]
    body: str


@dataclass(frozen=True, slots=True)
class Event:
    """What happened besides the verdict, which Django announces by a signal."""

    name: str
    """"logged_in", "logged_out", "login_failed" or "user_created"; more may come."""
    user: str | None
    """The name of the user whom it is about, if that is known."""


@dataclass(frozen=True)
class Edits:
    """What to change in the headers of a request before it is passed on: first take away, then add."""

    remove: tuple[str, ...]
    """Names in any case of letters: what a client may not say about the user."""
    add: tuple[tuple[str, str], ...]
    """Who the user is; empty unless somebody is authenticated."""


@dataclass(frozen=True)
class Verdict:
    """The answer to one request. True only when somebody is authenticated.

    A verdict that lets nobody pass (`Status.ANONYMOUS`, where the chain says
    `anonymous = "allow"`) is false too: look at `status`, or ask with `required`.
    """

    status: Status
    user: User
    response: Response
    failure: str | None = None
    """Why no verdict could be given, for the operator; then `response` is a 503."""
    events: tuple[Event, ...] = ()
    """What happened besides, whatever the verdict is."""

    @property
    def ok(self) -> bool:
        """Whether somebody is authenticated."""
        return self.status is Status.OK

    def __bool__(self) -> bool:
        return self.status is Status.OK

    def raise_for_failure(self) -> None:
        """Raises StoreError (database) or AuthError when no verdict could be given."""
        if self.status < 0:
            kind = StoreError if self.status is Status.ESTORE else AuthError
            raise kind(self.status, self.failure or self.status.name)

    def raise_for_refusal(self) -> None:
        """Raises unless somebody is authenticated or nobody may pass: Throttled (too many attempts),
        Refused, or as `raise_for_failure`."""
        self.raise_for_failure()
        if self.status is Status.THROTTLED:
            raise Throttled(self.status, "too many attempts", self.response)
        if self.status is Status.REFUSED:
            raise Refused(self.status, "refused", self.response)


@dataclass(frozen=True, slots=True)
class Token:
    """A fresh credential."""

    key: str = field(repr=False)
    """The secret. The library never shows it again."""
    id: str
    """Which token it is, as the log names it."""
    refresh: str | None = field(default=None, repr=False)
    """A second secret, which only gets new tokens (`Context.refresh_token`), where the kind has such."""
    expires_us: int | None = None
    """When `key` ends, in Unix microseconds; None: never."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token of the database, without its secret."""

    id: str
    user: str
    created: str
    """The moment of creation as Django's text in the database."""
    expires: str | None = None
    """The moment it ends, likewise; None: never."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was just made. Send each of `cookies` in a `Set-Cookie` of its own."""

    key: str = field(repr=False)
    """The secret: the value of the session cookie."""
    cookies: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A logout: send each of `cookies` in a `Set-Cookie` of its own, also when nothing was there."""

    existed: bool
    """Whether there was a session to end. One that is kept in its cookie cannot be ended."""
    cookies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A signed word about a user, for one program behind the application."""

    header: str
    """The name of the header to pass it on in."""
    text: str = field(repr=False)
    """The token."""


@dataclass(frozen=True, slots=True)
class CsrfToken:
    """A CSRF token for one page. Send `Vary: Cookie` with it."""

    text: str = field(repr=False)
    """Goes into a field `csrfmiddlewaretoken` of each form, or into the header X-CSRFToken."""
    cookie: str | None = field(repr=False)
    """The `Set-Cookie` to send with the page, if there is one."""
