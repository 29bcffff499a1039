"""The page on this machine alone: every request is answered from what is published at that moment."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import unquote, urlsplit

from worker.domain.errors import IngestError
from worker.page.paths import GRID
from worker.page.rendering import render
from worker.page.site import ASSETS, Site, asset

LOOPBACK = "127.0.0.1"
USER = "offgridflow"
STALLED_SECONDS = 30

ALWAYS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NAMES = ("127.0.0.1", "localhost")
"""What a browser on this machine, or one at the other end of a tunnel, calls us. A stranger's page that had its own name
point here could read the answer."""


class PageServer(ThreadingHTTPServer):
    """Serves the pages of a site, which is made anew for each request. ``password``, if any, is asked of `USER`."""

    daemon_threads = True

    def __init__(self, port: int, site: Callable[[], Site], password: str | None = None) -> None:
        super().__init__((LOOPBACK, port), _Request)
        self.site = site
        self.turn = Lock()
        self.wanted = _authorization(password) if password else None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.server_port}/"


def _authorization(password: str) -> bytes:
    return b"Basic " + b64encode(f"{USER}:{password}".encode())


class _Request(BaseHTTPRequestHandler):
    """One request, for reading. Any other method is refused by the base class."""

    server: PageServer
    timeout = STALLED_SECONDS

    def do_GET(self) -> None:
        """The page, or the asset."""
        if self.headers.get("Host", "").partition(":")[0] not in NAMES:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"ask for 127.0.0.1\n")
        elif not self._is_allowed():
            self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", b"who are you?\n")
        else:
            self._answer(*self._found(unquote(urlsplit(self.path).path).removeprefix("/")))

    do_HEAD = do_GET  # noqa: N815 (the base class calls it so)

    def _is_allowed(self) -> bool:
        given = self.headers.get("Authorization", "").encode("utf-8", "replace")
        return self.server.wanted is None or compare_digest(given, self.server.wanted)

    def _found(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        folder, _, name = path.rpartition("/")
        if folder == "static" and name in ASSETS:
            return HTTPStatus.OK, ASSETS[name], asset(name)
        wanted = f"{path}{GRID}" if not path or path.endswith("/") else path
        try:
            with self.server.turn:  # one at a time: the facts are read by engines that use all cores already
                page = self.server.site().pages.get(wanted)
                made = page() if page else None
        except IngestError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, "text/html", render("error.html", wanted, error=error).encode()
        if made is None:
            return HTTPStatus.NOT_FOUND, "text/html", render("missing.html", wanted, missing=path).encode()
        return HTTPStatus.OK, "text/html", made.encode()

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in ALWAYS.items():
            self.send_header(name, value)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="OffGridFlow ingest", charset="UTF-8"')
        try:
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # who asked has gone

    def log_message(self, *_args: object) -> None:
        """Nobody reads it."""
