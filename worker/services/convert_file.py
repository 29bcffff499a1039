"""A spooled report file to its part: judge, count, make activities, write; prove that it balances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from worker.domain.balance import Balance
from worker.domain.line_items import Rules
from worker.domain.outcome import FileOutcome
from worker.domain.plan import FileJob
from worker.domain.rulebooks import RULEBOOKS
from worker.ports.reports import ReportReader
from worker.services.world import World

DIGEST_SHOWN = 16


def convert_file(world: World, job: FileJob, spooled: Path, still_wanted: Callable[[], None]) -> FileOutcome:
    """Write the part and the rejections of a file and return its outcome.

    ``still_wanted`` is asked between batches and raises when the run has ended. Raises FatalError when what was read is not
    what came out, BadRequestError when the file is no report that can be read.
    """
    reader, rulebook = world.open_report(spooled, job), RULEBOOKS[job.plan.source.kind]
    columns = frozenset(reader.binding.positions)
    rules = Rules(job.file.digest[:DIGEST_SHOWN], job.plan.period, job.plan.source.account_id, columns)
    balance, payers = Balance(), set[str]()
    room = world.rejections_per_file
    with world.parts.create(job, reader.binding.tag_keys) as writer:

        def on_batch(batch: pl.DataFrame) -> None:
            nonlocal balance, room
            still_wanted()
            judged = rulebook.judge(batch, rules)
            made, notes = rulebook.activities(judged, rules)
            told = rulebook.tally(judged)
            balance += told + notes
            payers.update(made[rulebook.owner].unique().drop_nulls())
            writer.write(made)
            if told.rejected.rows and room:
                rejected = rulebook.rejections(judged, job.file.key).head(room)
                room -= rejected.height
                writer.reject(rejected)

        reader.batches(on_batch)
        balance += Balance(notes=_notes(job, reader, balance.rejected.rows - world.rejections_per_file))
        balance.check(job.file.key)
        return writer.finish(_outcome(job, balance, payers))


def _notes(job: FileJob, reader: ReportReader, rejections_not_kept: int) -> dict[str, int]:
    """What is known of the file as a whole. Every rejection is counted; only the first ones are kept to look at."""
    counts = {
        "rejections_not_kept": rejections_not_kept,
        "missing_fields": reader.missing_fields,
        "columns_absent": len(set(job.plan.columns) - reader.binding.positions.keys()),
    }
    return {name: count for name, count in counts.items() if count > 0}


def _outcome(job: FileJob, balance: Balance, payers: set[str]) -> FileOutcome:
    return FileOutcome(
        digest=job.file.digest,
        key=job.file.key,
        run_id=job.run_id,
        version_id=job.plan.version_id,
        balance=balance,
        payers=tuple(sorted(payers or {job.plan.account} - {""})),
    )
