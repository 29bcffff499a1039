"""An S3 that says no for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from tests.acceptance.turnstile import Answer, Mishap, Turnstile


@contextmanager
def refusing(s3: Turnstile, ending: str, status: int, code: str, message: str = "no") -> Iterator[None]:
    """Every reading of a key that ends so is answered with this error, until the block ends."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()

    def refuse(handler: BaseHTTPRequestHandler, _answer: Answer) -> None:
        handler.send_response_only(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def mishap(path: str) -> Mishap | None:
        return refuse if unquote(path.partition("?")[0]).endswith(ending) else None

    before, s3.mishap = s3.mishap, mishap
    try:
        yield
    finally:
        s3.mishap = before
