"""Report files through the converter's own code, from bytes to rows, without a bucket or a broker around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest

from tests.fakes.parts import FakePartStore
from tests.fakes.plans import plan_of
from tests.fakes.reference import Reference
from tests.fakes.reference_files import report_lines
from tests.fakes.world import FakeWorld
from worker.adapters.report_reader import open_report
from worker.adapters.tags import tag_maps
from worker.domain.balance import Balance
from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import IngestError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob
from worker.domain.schema import TAG_PREFIX
from worker.services.convert_file import convert_file

NO_LIMIT = 1_000_000_000
Rows = list[dict[str, Any]]
OF_THE_DELIVERY = ("activity_id", "source_row")
"""What says where an activity was read, and not what it is."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A report file as it is delivered: its bytes, and what its manifest says of them."""

    body: bytes
    compression: str = "none"
    charset: str = "UTF-8"


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one file. ``rows`` are its activities, with their tags as a dictionary."""

    outcome: FileOutcome
    rows: Rows

    @property
    def balance(self) -> Balance:
        return self.outcome.balance


def convert(
    packed: Packed, folder: Path, *, period: str = "2024-01", account: str = "", limit: int = NO_LIMIT
) -> Converted:
    """Convert a file as a worker does, up to a part in memory. Errors are raised as the worker would see them."""
    store, job = FakePartStore(), _job(packed, period, account)
    world = replace(FakeWorld(folder).world, parts=store, open_report=partial(open_report, limit=limit))
    with TemporaryDirectory(dir=folder) as spool:
        spooled = Path(spool) / "report"
        spooled.write_bytes(packed.body)
        outcome = convert_file(world, job, spooled, lambda: None)
    made = store.activities.get(outcome.digest)
    return Converted(outcome, [] if made is None else _rows(made))


def refusal(packed: Packed, folder: Path, *, limit: int = NO_LIMIT) -> IngestError:
    """The error that the conversion ends with."""
    with pytest.raises(IngestError) as caught:
        convert(packed, folder, limit=limit)
    return caught.value


def _job(packed: Packed, period: str, account: str) -> FileJob:
    plan = plan_of("cur/report")
    plan = replace(
        plan,
        source=replace(plan.source, account_id=account),
        period=BillingPeriod.parse(period),
        compression=packed.compression,
        charset=packed.charset,
    )
    return FileJob("run-1", plan, plan.files[0])


def _rows(made: pl.DataFrame) -> Rows:
    names = [name for name in made.columns if name.startswith(TAG_PREFIX)]
    tags = [dict(sorted(pairs)) for pairs in _maps(made, names)]
    plain = made.drop([*names, "tags"], strict=False).rows(named=True)
    return [row | {"tags": pairs} for row, pairs in zip(plain, tags, strict=True)]


def _maps(made: pl.DataFrame, names: list[str]) -> list[list[tuple[str, str]]]:
    """The tags as they are written into the part."""
    import pyarrow as pa

    field = pa.field("tags", pa.map_(pa.large_string(), pa.large_string()))
    return [pairs or [] for pairs in tag_maps(made, tuple(map(_key, names)), field).to_pylist()]


def _key(name: str) -> str:
    return name.removeprefix(TAG_PREFIX)


def what_they_say(rows: Rows) -> list[tuple[str, ...]]:
    """The activities without their lineage and in no order: equal for equal rows, however they were delivered."""
    return sorted(tuple(str(row[name]) for name in sorted(row) if name not in OF_THE_DELIVERY) for row in rows)


def figures(balance: Balance) -> dict[str, object]:
    """The balance without its notes, as the reference writes it."""
    return {name: figure for name, figure in asdict(balance).items() if name != "notes"}


def reference(*packed: Packed, period: str = "2024-01", account: str = "") -> Reference:
    """What the files come to by a naive reading."""
    read = Reference(period, account)
    for each in packed:
        read.read(report_lines(each.body, each.charset))
    return read


def total(converted: Sequence[Converted]) -> Mapping[str, object]:
    """The figures of several files together."""
    return figures(Balance.total(each.balance for each in converted))
