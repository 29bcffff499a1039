"""What an error of the operating system means to us: `raise translate_os_error(error, about=path) from error`."""

from __future__ import annotations

import errno
import socket

from worker.domain.errors import AuthError, IngestError, NotFoundError, TransientError, UnknownError

_KINDS: tuple[tuple[type[IngestError], tuple[type[OSError], ...]], ...] = (
    (NotFoundError, (FileNotFoundError, NotADirectoryError, IsADirectoryError)),
    (AuthError, (PermissionError,)),
    (TransientError, (ConnectionError, TimeoutError, socket.gaierror)),
)
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_PASSING = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE, *_FULL_DISK}


def translate_os_error(error: OSError, *, about: str, remedy: str = "") -> IngestError:
    """Our error for the system's, by its type, then by its number. ``remedy`` is for what may not be read or written."""
    kind = _kind(error)
    advice = {AuthError: remedy or f"let this user use {about}", NotFoundError: f"check that {about} is there"}.get(
        kind, ""
    )
    if error.errno in _FULL_DISK:
        advice = "free space on the disk"
    code = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return kind(f"{about}: {error.strerror or error} ({code})", code, advice)


def _kind(error: OSError) -> type[IngestError]:
    for kind, types in _KINDS:
        if isinstance(error, types):
            return kind
    return TransientError if error.errno in _PASSING else UnknownError
