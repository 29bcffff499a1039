"""Deliver the sample reports to the demo's bucket as AWS does: files first, manifests last. Docker Compose runs it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from worker.adapters.sample_bucket import write_sample
from worker.settings import settings

BUCKET = "reports"
ROWS = 20_000

with TemporaryDirectory() as folder:
    write_sample(Path(folder), rows=ROWS)
    s3 = boto3.client("s3", endpoint_url=settings().s3_endpoint_url)
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.suffix == ".json"):
        s3.upload_file(str(path), BUCKET, path.relative_to(folder).as_posix())
