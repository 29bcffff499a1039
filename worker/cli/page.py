"""The verb for people who would rather look: `page`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import output
from worker.domain.counting import counted
from worker.settings import settings


def page(
    *,
    out: Annotated[Path | None, typer.Option(help="write it all as files into this folder, and serve nothing")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="where to serve it; 0: any port that is free")] = 0,
) -> None:
    """Serve a page about every month, run and figure, on this machine and to be read only; or write it as files."""
    from worker.page.published_facts import PublishedFacts  # noqa: PLC0415 (`--help` should not wait for it)
    from worker.page.serving import PageServer  # noqa: PLC0415 (see above)
    from worker.page.site import Links, Site  # noqa: PLC0415 (see above)
    from worker.page.writing import write  # noqa: PLC0415 (see above)

    links = Links(settings().flower_url or "", settings().trace_url or "")
    if out:
        written = write(Site(PublishedFacts(), links), out)
        output.note(f"{counted(written, 'page')} written; open {out / 'index.html'}")
        return
    password = settings().page_password
    with PageServer(
        port, lambda: Site(PublishedFacts(), links), password.get_secret_value() if password else None
    ) as server:
        typer.echo(server.url)
        output.note("Ctrl-C ends it" if password else "whoever uses this machine can read it; Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return  # a signal is how it ends
