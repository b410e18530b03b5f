"""What a call came to, and what is raised when it came to nothing."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .verdict import Response


class Status(IntEnum):
    """The library's statuses. Only `OK` lets anyone in; those below 0 are failures, which say
    nothing about the user."""

    OK = 0
    ANONYMOUS = 1
    REFUSED = 2
    THROTTLED = 3
    PENDING = 4
    EINVAL = -1
    EPANIC = -2
    ECONFIG = -3
    ESTORE = -4
    ENOTSUP = -5
    EBUSY = -6
    ENOMEM = -7


class AuthError(Exception):
    """A call could not do what it was asked to. Only as `Refused` an answer about a credential."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text

    def __str__(self) -> str:
        return self.text


class Refused(AuthError):
    """A request was refused (`Verdict.raise_for_refusal`): send `response`."""

    def __init__(self, status: Status, text: str, response: "Response") -> None:
        super().__init__(status, text)
        self.response = response


class Throttled(Refused):
    """A request was refused because of too many failed attempts before it."""


class StoreError(AuthError):
    """The database, the address of public keys, or the back end of a custom scheme cannot answer. Send 503."""


class ConfigError(AuthError):
    """The configuration cannot be used: what is wrong, where, and what would be right.

    `line` and `column` count from 1; they are 0 when the problem has no place.
    """

    def __init__(
        self, text: str, *, file: str = "", line: int = 0, column: int = 0, remedy: str = ""
    ) -> None:
        super().__init__(Status.ECONFIG, text)
        self.file = file
        self.line = line
        self.column = column
        self.remedy = remedy

    def __str__(self) -> str:
        """`file:line:column: text (remedy)`, as far as it is known."""
        place = f":{self.line}:{self.column}" if self.line else ""
        start = f"{self.file}{place}: " if self.file else ""
        return f"{start}{self.text}" + (f" ({self.remedy})" if self.remedy else "")
