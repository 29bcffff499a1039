"""Which report files were read, as S3 saw it."""

from __future__ import annotations

from collections import Counter

from tests.acceptance.turnstile import Turnstile


def files_read(s3: Turnstile, prefix: str) -> Counter[str]:
    """How often each report file of a folder was asked for, by the last part of its key."""
    paths = (each.path.partition("?")[0] for each in s3.passed if each.method == "GET")
    return Counter(path.rpartition("/")[2] for path in paths if f"/{prefix}/" in path and path.endswith(".csv.gz"))
