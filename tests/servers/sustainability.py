"""AWS's Sustainability service as a small HTTP server that real boto3 talks to: signatures, pages, faults, restatements."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.servers.http_stub import Answer, Asked
from tests.servers.seaweed import Keys
from worker.adapters.sample_carbon import Footprint

PATH = "/v1/estimated-carbon-emissions"
DIMENSIONS = {"USAGE_ACCOUNT_ID": "account", "REGION": "region", "SERVICE": "service"}
TOTALS = ("TOTAL_LBM_CARBON_EMISSIONS", "TOTAL_MBM_CARBON_EMISSIONS")
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d+/([\w-]+)/sustainability/aws4_request), SignedHeaders=([\w;-]+), Signature=(\w+)"
)

OWNER = Keys("CARBON0000000000000", "carbon-secret")


def refusal(status: int, code: str, message: str = "refused", **headers: str) -> Answer:
    """An error as rest-json has it. ``headers`` have underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps({"message": message}).encode(), {"x-amzn-ErrorType": code, **named})


@dataclass
class Sustainability:
    """The running service. It knows one identity, ``OWNER``.

    ``footprints`` are what it estimates; ``page_size`` bounds a page, whatever is asked for. ``faults`` are given, in order, in
    place of answers; None stalls until the service stops. ``meanwhile`` happens before the request of that number, from 1, is
    answered. ``asked`` is every request, ``bodies`` what each said.
    """

    url: str
    page_size: int = 1000
    footprints: list[Footprint] = field(default_factory=list)
    faults: deque[Answer | None] = field(default_factory=deque)
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    edition: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.asked]

    def publish(self, footprints: Sequence[Footprint]) -> None:
        """Estimate these months, anew if they were estimated before; tokens given out so far expire."""
        restated = {each.period for each in footprints}
        self.footprints = [*(each for each in self.footprints if each.period not in restated), *footprints]
        self.edition += 1

    def fail_first(self, calls: int, answer: Answer | None) -> None:
        self.faults.extend([answer] * calls)

    def answer(self, asked: Asked) -> Answer | None:
        self.asked.append(asked)
        self.meanwhile.pop(len(self.asked), lambda: None)()
        if refused := _unsigned(asked):
            return refused
        if self.faults:
            return self.faults.popleft()
        if asked.path != PATH:
            return refusal(404, "UnknownOperationException")
        return self._estimates(json.loads(asked.body))

    def _estimates(self, body: Mapping[str, Any]) -> Answer:
        results = _grouped(
            self._asked_for(body["TimePeriod"]), body.get("GroupBy", []), body.get("EmissionsTypes", TOTALS)
        )
        start = 0
        if token := body.get("NextToken"):
            edition, _, offset = base64.b64decode(token).decode().partition(":")
            if edition != str(self.edition):
                return refusal(400, "ValidationException", "The pagination token has expired")
            start = int(offset)
        end = start + min(self.page_size, body["MaxResults"])
        page: dict[str, Any] = {"Results": results[start:end]}
        if end < len(results):
            page["NextToken"] = base64.b64encode(f"{self.edition}:{end}".encode()).decode()
        return Answer(body=json.dumps(page).encode())

    def _asked_for(self, span: Mapping[str, str]) -> list[Footprint]:
        start, end = (datetime.fromisoformat(span[name]) for name in ("Start", "End"))
        return [each for each in self.footprints if start <= each.period.start < end]


def _grouped(footprints: Sequence[Footprint], dimensions: Sequence[str], types: Sequence[str]) -> list[dict[str, Any]]:
    """The results of a query: what is not grouped by is summed up."""
    groups: dict[tuple[str, ...], list[Footprint]] = {}
    for each in footprints:
        key = (str(each.period), each.model_version, *(getattr(each, DIMENSIONS[name]) for name in dimensions))
        groups.setdefault(key, []).append(each)
    return [
        {
            "TimePeriod": {
                "Start": f"{same[0].period.start:%Y-%m-%dT%H:%M:%SZ}",
                "End": f"{same[0].period.end:%Y-%m-%dT%H:%M:%SZ}",
            },
            "DimensionsValues": dict(zip(dimensions, key[2:], strict=True)),
            "ModelVersion": key[1],
            "EmissionsValues": {
                name: {"Value": sum(each.figures[name] for each in same), "Unit": same[0].unit} for name in types
            },
        }
        for key, same in groups.items()
    ]


def _unsigned(asked: Asked) -> Answer | None:
    """The refusal of a request that is not signed by ``OWNER``, in the words of AWS."""
    headers = {name.lower(): " ".join(value.split()) for name, value in asked.headers.items()}
    signed = SIGNED.fullmatch(headers.get("authorization", ""))
    if not signed:
        return refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    access_key, scope, _, names, signature = signed.groups()
    if access_key != OWNER.access_key:
        return refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    lines = [f"{name}:{headers[name]}" for name in names.split(";")]
    request = "\n".join([asked.method, asked.path, "", *lines, "", names, hashlib.sha256(asked.body).hexdigest()])
    to_sign = "\n".join(
        ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()]
    )
    key = f"AWS4{OWNER.secret_key}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    if not hmac.compare_digest(key.hex(), signature):
        return refusal(403, "InvalidSignatureException", "The request signature we calculated does not match")
    return None


@contextmanager
def sustainability(page_size: int = 1000) -> Iterator[Sustainability]:
    """The service on a free port, without estimates. No thread of it outlives the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = service.answer(Asked(self.command, self.path, dict(self.headers), body))
            if answer is None:
                service.stopping.wait()
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        service = Sustainability(f"http://127.0.0.1:{server.server_port}", page_size)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield service
        finally:
            service.stopping.set()
            server.shutdown()
            thread.join()
