"""A TCP proxy that breaks connections off in the middle of an answer."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

BUFFER = 64 * 1024


def _nothing() -> None:
    """What happens at most cuts."""


@contextmanager
def cutting_proxy(port: int, cuts: Sequence[int], on_cut: Callable[[], None] = _nothing) -> Iterator[str]:
    """The URL of a proxy to a local port.

    The n-th connection breaks after ``cuts[n]`` bytes towards the client, its headers included, and ``on_cut`` is called
    before the client can notice; connections beyond the cuts live on.
    """
    waiting = list(cuts)

    class Forward(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            left = waiting.pop(0) if waiting else None
            with socket.create_connection(("127.0.0.1", port)) as upstream:
                threading.Thread(target=_pump, args=(self.request, upstream), daemon=True).start()
                while chunk := upstream.recv(BUFFER if left is None else min(BUFFER, left)):
                    self.request.sendall(chunk)
                    if left is not None and not (left := left - len(chunk)):
                        on_cut()
                        break

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forward) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until either side is gone."""
    try:
        while chunk := source.recv(BUFFER):
            target.sendall(chunk)
    except OSError:
        return
