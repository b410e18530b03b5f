"""Whether Python's sqlite3 and the library use one copy of SQLite.

Two copies in one process do not see each other's locks on a file, and committed rows are lost without an
error. The library uses the system's; a Python that was built with a copy of its own may not open the
same file.
"""

import ctypes
from functools import cache

from . import _ffi


@cache
def check_copies() -> None:
    """ImportError: there are two copies, or it cannot be known."""
    import _sqlite3

    file = getattr(_sqlite3, "__file__", None)  # built into the interpreter: no file
    theirs, ours = _address(ctypes.CDLL(file)), _address(_ffi.library)
    if ours is None or theirs != ours:
        raise ImportError(
            f"this Python's sqlite3 ({file or 'built in'}) has a copy of SQLite of its own; with the one of "
            "libauthchain there would be two in this process, and they lose each other's rows: use a Python "
            "that is linked with the system's libsqlite3"
        )


def _address(library: ctypes.CDLL) -> int | None:
    """Where a library, or what it is linked with, has SQLite."""
    try:
        return ctypes.cast(library.sqlite3_open_v2, ctypes.c_void_p).value
    except AttributeError:
        return None
