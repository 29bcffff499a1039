from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread

import pytest

from tests.unit.page.known import everything, site
from worker.domain.errors import TransientError
from worker.page.serving import PageServer
from worker.page.site import ASSETS, Site, asset

PASSWORD = "correct horse: battery"


@contextmanager
def served(password: str | None = None, make: object = None) -> Iterator[PageServer]:
    with PageServer(0, make or (lambda: site(everything())), password) as server:  # type: ignore[arg-type]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with served() as running:
        yield running


def ask(server: PageServer, path: str, method: str = "GET", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def said(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def test_only_this_machine_can_reach_it(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_every_page_is_served_where_its_file_would_be(server: PageServer) -> None:
    for path, page in site(everything()).pages.items():
        assert ask(server, f"/{path}")[::2] == (200, page().encode())


def test_a_folder_is_its_index(server: PageServer) -> None:
    assert ask(server, "/")[2] == ask(server, "/index.html")[2]
    assert ask(server, "/runs/")[2] == ask(server, "/runs/index.html")[2]


def test_assets_are_served_as_what_they_are(server: PageServer) -> None:
    for name, kind in ASSETS.items():
        status, headers, body = ask(server, f"/static/{name}")

        assert (status, body) == (200, asset(name))
        assert headers["Content-Type"].startswith(kind)


def test_nothing_but_its_own_is_loaded_and_nobody_frames_it(server: PageServer) -> None:
    for path in ("/", "/static/page.css", "/no-such-page"):
        _, headers, _ = ask(server, path)

        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} == set(policy)
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/no-such-page",
        "/static/../site.py",
        "/static/%2e%2e/site.py",
        "//etc/passwd",
        "/runs/<script>.html",
        "/static/",
    ],
)
def test_there_is_nothing_else(server: PageServer, path: str) -> None:
    status, _, body = ask(server, path)

    assert status == 404
    assert b"<script>" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_is_read_only(server: PageServer, method: str) -> None:
    assert ask(server, "/", method)[0] == 501


def test_a_head_has_no_body(server: PageServer) -> None:
    status, headers, body = ask(server, "/", "HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", ""])
def test_a_stranger_s_name_for_this_machine_is_refused(server: PageServer, name: str) -> None:
    status, _, body = ask(server, "/", Host=name)

    assert status == 403
    assert b"acme" not in body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": said("offgridflow", "wrong")},
        {"Authorization": said("x", PASSWORD)},
    ],
)
def test_with_a_password_nobody_reads_without_it(headers: dict[str, str]) -> None:
    with served(PASSWORD) as server:
        for path in ("/", "/static/page.css", "/no-such-page"):
            status, answered, body = ask(server, path, **headers)

            assert status == 401
            assert answered["WWW-Authenticate"].startswith("Basic ")
            assert b"acme" not in body


def test_with_the_password_it_is_served() -> None:
    with served(PASSWORD) as server:
        assert ask(server, "/", Authorization=said("offgridflow", PASSWORD))[0] == 200


def test_what_cannot_be_read_now_is_said() -> None:
    def out_of_reach() -> Site:
        raise TransientError("the catalog does not answer", remedy="start it")

    with served(make=out_of_reach) as server:
        status, _, body = ask(server, "/")

    assert status == 503
    assert b"the catalog does not answer" in body
    assert b"start it" in body
