"""A proxy in front of the S3 server: it counts who passes, can hold an answer up in the middle, or let mishaps answer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Passed:
    """One request and how it was answered."""

    method: str
    path: str
    status: int

    @property
    def is_listing(self) -> bool:
        return "list-type=2" in self.path


@dataclass(slots=True)
class Hold:
    """The next answer about a key that ends so stops half way: ``reached`` when it does, on again once ``released``."""

    ending: str
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Answer:
    """What S3 said."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


Mishap = Callable[[BaseHTTPRequestHandler, Answer], None]
"""Gives whoever asked an answer in the place of what S3 said."""


@dataclass(slots=True)
class Turnstile:
    """The running proxy, and everything that passed it. ``mishap`` says what befalls the reading of a path, if anything."""

    port: int
    passed: list[Passed] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    mishap: Callable[[str], Mishap | None] = lambda _path: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reads(self, ending: str) -> list[Passed]:
        """The requests for keys that end so."""
        return [each for each in self.passed if unquote(each.path.partition("?")[0]).endswith(ending)]

    @contextmanager
    def holding(self, ending: str) -> Iterator[Hold]:
        """Hold one answer up, at the longest until the block ends."""
        hold = Hold(ending)
        self.holds.append(hold)
        try:
            yield hold
        finally:
            hold.released.set()

    def hold_for(self, path: str) -> Hold | None:
        """The hold that waits for this path, if any; each is for one answer."""
        for hold in self.holds:
            if unquote(path.partition("?")[0]).endswith(hold.ending):
                self.holds.remove(hold)
                return hold
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *about: Any) -> None:
        """Whoever asked may have been killed, or cut off, before it asked again."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*about)


@contextmanager
def turnstile(upstream: int) -> Iterator[Turnstile]:
    """A proxy to a local port. Signatures hold behind it: nothing of a request is changed, its Host included."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            connection = HTTPConnection("127.0.0.1", upstream, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                with connection.getresponse() as response:
                    kept = {name: value for name, value in response.getheaders() if name.lower() != "transfer-encoding"}
                    answer = Answer(response.status, response.reason, kept, response.read())
            finally:
                connection.close()
            counting.passed.append(Passed(self.command, self.path, answer.status))
            hand_over = counting.mishap(self.path) if self.command == "GET" else None
            with suppress(ConnectionError):  # whoever asked may have been killed meanwhile
                (hand_over or Handler.hand_over)(self, answer)

        def hand_over(self, answer: Answer) -> None:
            self.send_response_only(answer.status, answer.reason)
            for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            half = len(answer.body) // 2
            self.wfile.write(answer.body[:half])
            if hold := counting.hold_for(self.path):
                self.wfile.flush()
                hold.reached.set()
                hold.released.wait()
            self.wfile.write(answer.body[half:])

        do_GET = do_HEAD = do_PUT = do_POST = forward  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        counting = Turnstile(server.server_port)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield counting
        finally:
            server.shutdown()
