"""The `offgridflow` command: a table for people on a terminal, one JSON document for programs."""

from __future__ import annotations

import signal
import sys

from worker.cli.exits import Exit
from worker.domain.errors import ErrorClass, IngestError
from worker.settings import prepare_engines


def main() -> None:
    """Run the command; an error that nobody caught is shown as one sentence and its remedy."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like a Ctrl-C: tidily
    try:
        _run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; what was asked for is kept, and the next ingest goes on from there\n")
        sys.exit(Exit.INTERRUPTED)


def _run() -> None:
    prepare_engines()  # before anything heavy is imported
    from worker.cli.commands import app  # noqa: PLC0415 (see above)
    from worker.cli.output import show_error  # noqa: PLC0415 (see above)

    try:
        app(standalone_mode=True)
    except IngestError as error:
        show_error(error)
        sys.exit(Exit.USAGE if error.error_class is ErrorClass.BAD_REQUEST else Exit.EVERY_RUN_FAILED)
