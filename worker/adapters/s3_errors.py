"""What S3 objects to when it holds the warehouse, whichever library asked: errors of ours, with remedies for a warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from worker.adapters.aws_errors import FOREIGN, translate
from worker.adapters.os_errors import translate_os_error
from worker.domain.errors import BadRequestError, IngestError, NotFoundError, TransientError
from worker.domain.source import Source

OURS = Source("warehouse", org_id="", url="s3://", requester_pays=True)
"""Whose calls they are. Whoever reads it pays, so that no remedy advises it."""

REMEDIES: dict[type[IngestError], str] = {
    BadRequestError: "check OFFGRIDFLOW_WAREHOUSE, OFFGRIDFLOW_WAREHOUSE_ENDPOINT_URL and AWS_DEFAULT_REGION",
    NotFoundError: "check OFFGRIDFLOW_WAREHOUSE; if it is right, restore the file from a backup",
}
"""Instead of those that are about a source."""

_ANSWER = re.compile(
    r"AWS Error (?P<code>[A-Z_]+)(?: \(HTTP status (?P<status>\d+)\))? during (?P<operation>\w+) operation: (?P<text>.*)"
)
"""Arrow keeps the code of AWS's answer in its text, and nowhere else."""


@contextmanager
def s3_errors(about: str) -> Iterator[None]:
    """Raise what boto3 raises as ours; ``about`` is a URL."""
    try:
        yield
    except FOREIGN as error:
        raise _for_a_warehouse(translate(error, about=about, source=OURS)) from error


def translate_arrow(error: OSError, *, about: str) -> IngestError:
    """Our error for one that Arrow or Polars raised about a file, by the code of S3's answer where there is one."""
    answer = _ANSWER.search(str(error))
    if answer is None:
        return translate_os_error(error, about=about, remedy="let the workers read and write the warehouse")
    code = answer["code"].title().replace("_", "")
    if code == "NetworkConnection":
        return TransientError(f"{about}: {answer['text']}", code, "check the warehouse's endpoint, DNS and the proxy")
    response = {
        "Error": {"Code": code, "Message": answer["text"]},
        "ResponseMetadata": {"HTTPStatusCode": int(answer["status"] or 0)},
    }
    known = ClientError(response, answer["operation"])  # type: ignore[arg-type]  # the stubs want every header
    return _for_a_warehouse(translate(known, about=about, source=OURS))


def _for_a_warehouse(error: IngestError) -> IngestError:
    message, code, remedy, *rest = error.args
    return type(error)(message, code, REMEDIES.get(type(error), remedy), *rest)
