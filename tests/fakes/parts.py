"""Parts in memory; `tests/unit/services/test_convert_file.py` asks the same of them and of the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import polars as pl

from tests.fakes.frames import joined
from worker.domain.balance import Tally
from worker.domain.errors import FatalError
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob


@dataclass(slots=True)
class FakePartWriter:
    """Keeps batches until it is finished, and then proves that they are the outcome's activities."""

    store: FakePartStore
    digest: str
    activities: list[pl.DataFrame] = field(default_factory=list)
    rejections: list[pl.DataFrame] = field(default_factory=list)

    def write(self, activities: pl.DataFrame) -> None:
        self.activities.append(activities)

    def reject(self, rejections: pl.DataFrame) -> None:
        self.rejections.append(rejections)

    def finish(self, outcome: FileOutcome) -> FileOutcome:
        written = Tally.total(_tally(batch) for batch in self.activities)
        if written != outcome.balance.activities:
            raise FatalError(f"{outcome.key}: written were {written}", "unbalanced")
        if any(batch.height for batch in self.rejections):
            outcome = replace(outcome, rejections=f"warehouse/{self.digest}.rejections.parquet")
            self.store.rejections.setdefault(self.digest, joined(self.rejections))
        if not written.rows:
            return outcome
        whole = replace(outcome, part=f"warehouse/{self.digest}.parquet", data_file="{}")
        self.store.activities.setdefault(self.digest, joined(self.activities))
        return self.store.outcomes.setdefault(self.digest, whole)


@dataclass(slots=True)
class FakePartStore:
    """`worker.ports.parts.PartStore`: rows, rejections and outcomes by digest. What is there first stays."""

    outcomes: dict[str, FileOutcome] = field(default_factory=dict)
    activities: dict[str, pl.DataFrame] = field(default_factory=dict)
    rejections: dict[str, pl.DataFrame] = field(default_factory=dict)

    def find(self, job: FileJob) -> FileOutcome | None:
        found = self.outcomes.get(job.file.digest)
        return found if found and self.has(found) else None

    def has(self, outcome: FileOutcome) -> bool:
        part, rejections = outcome.part is None, outcome.rejections is None
        return (part or outcome.digest in self.activities) and (rejections or outcome.digest in self.rejections)

    def vanish(self, digest: str) -> None:
        """What `vacuum` does to a part that nothing refers to."""
        for kept in (self.outcomes, self.activities, self.rejections):
            kept.pop(digest, None)

    @contextmanager
    def create(self, job: FileJob, tag_keys: tuple[str, ...]) -> Iterator[FakePartWriter]:
        yield FakePartWriter(self, job.file.digest)


def _tally(activities: pl.DataFrame) -> Tally:
    amounts = activities.select("quantity", "cost").fill_null(0).rows()
    return Tally.total(Tally(1, usage, cost) for usage, cost in amounts)
