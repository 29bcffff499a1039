"""What befalls answers of S3 on their way: each kind of fault alone, and a seeded share of all of them."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from random import Random

from tests.acceptance.turnstile import Answer, Mishap

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing throws away what was not read, and says so."""

DRIPS = 16
NINES = bytes.maketrans(b"12345678", b"99999999")


def _say(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """Send an answer, right or wrong, and hang up as announced: a body that is too short ends there."""
    handler.send_response_only(answer.status, answer.reason)
    for name, value in ({"Content-Length": str(len(answer.body)), "Connection": "close"} | answer.headers).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(answer.body)
    handler.wfile.flush()
    handler.close_connection = True


def _half(answer: Answer) -> Answer:
    """The first half under the headers of the whole."""
    whole = {"Content-Length": str(len(answer.body))} | answer.headers
    return replace(answer, headers=whole, body=answer.body[: len(answer.body) // 2])


def _announcing(answer: Answer, length: int) -> Answer:
    return replace(answer, headers=answer.headers | {"Content-Length": str(length)})


def _error(code: str) -> bytes:
    return f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>A fault.</Message></Error>'.encode()


def _refused(status: int, code: str, **headers: str) -> Mishap:
    """S3 says no, in its own words."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _answer: _say(handler, Answer(status, code, named, _error(code)))


def _in_between(status: int) -> Mishap:
    """Something between us and S3 says no, in words that are not S3's."""
    return lambda handler, _answer: _say(handler, Answer(status, "No", {}, b"<html>No.</html>"))


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    handler.connection.shutdown(socket.SHUT_RD)
    handler.close_connection = True


def _reset(handler: BaseHTTPRequestHandler, _answer: Answer) -> None:
    _hang_up(handler)


def _reset_within(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    _say(handler, _half(answer))
    _hang_up(handler)


def _stall(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    _say(handler, _half(answer))
    handler.connection.recv(1)  # until whoever asked has had enough


def _drip(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    size = len(answer.body) // DRIPS + 1
    _say(handler, replace(_announcing(answer, len(answer.body)), body=b""))
    for start in range(0, len(answer.body), size):
        threading.Event().wait(0.01)
        handler.wfile.write(answer.body[start : start + size])


def _unchecked(answer: Answer) -> Answer:
    """Not every object has a checksum that would tell it from another."""
    return replace(answer, headers={name: answer.headers[name] for name in answer.headers if "checksum" not in name})


def _cut_to_length(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    half = len(answer.body) // 2
    _say(handler, replace(_announcing(_unchecked(answer), half), body=answer.body[:half]))


def _another(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    """What came in the object's place, of the same size, from a server that does not know If-Match."""
    named = _unchecked(answer).headers | {"ETag": '"another"'}
    _say(handler, replace(answer, headers=named, body=answer.body.translate(NINES)))


FAULTS: Mapping[str, Mishap] = {
    "503": _refused(503, "SlowDown"),
    "503 with Retry-After": _refused(503, "SlowDown", Retry_After="1"),
    "429": _refused(429, "TooManyRequests"),
    "500": _refused(500, "InternalError"),
    "502": _in_between(502),
    "504": _in_between(504),
    "200 with an error": lambda handler, _answer: _say(handler, Answer(200, "OK", {}, _error("InternalError"))),
    "reset": _reset,
    "reset in the body": _reset_within,
    "short body": lambda handler, answer: _say(handler, _half(answer)),
    "wrong length": lambda handler, answer: _say(handler, _announcing(answer, len(answer.body) + 7)),
    "stall": _stall,
    "slow drip": _drip,
}
"""What can befall any reading."""

FAULTS_OF_FILES: Mapping[str, Mishap] = {
    "412": _refused(412, "PreconditionFailed"),
    "another object": _another,
    "cut to length": _cut_to_length,
}
"""What can befall only what was planned: an object of a known size and ETag."""


@dataclass(slots=True)
class Misfortune:
    """Faults on a seeded share of all readings; ``met`` counts them. Which reading is hit depends on their order."""

    seed: int
    share: float
    read: int = 0
    met: Counter[str] = field(default_factory=Counter)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, path: str) -> Mishap | None:
        with self.turn:
            self.read += 1
            chance = Random(f"{self.seed}/{self.read}")
            if chance.random() >= self.share:
                return None
            possible = {**FAULTS, **FAULTS_OF_FILES} if is_report_file(path) else FAULTS
            fault = chance.choice(sorted(possible))
            self.met[fault] += 1
            return possible[fault]


def is_report_file(path: str) -> bool:
    """Whether this path of the bucket is one, and neither a manifest nor a listing."""
    return ".csv" in path


def once(mishap: Mishap, hits: Callable[[str], bool]) -> Callable[[str], Mishap | None]:
    """This mishap on the first path that ``hits`` says yes to, and nothing else."""
    left = [mishap]
    return lambda path: left.pop() if left and hits(path) else None
