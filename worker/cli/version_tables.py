"""What people see of `history`, `diff`, `forget` and `vacuum`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from worker.cli.output import cents, heading, note, out, table
from worker.domain.counting import counted
from worker.domain.publication import PublicationRecord
from worker.domain.report import plain
from worker.services.history import MonthHistory
from worker.services.reporting import record_warnings
from worker.services.vacuum import Vacuumed

if TYPE_CHECKING:  # polars is in there, and `--help` should not wait for it
    from worker.domain.restatement import Change, GroupChange
    from worker.services.diff_versions import VersionDiff

INSTANT = "%Y-%m-%d %H:%M"


def show_history(months: Iterable[MonthHistory]) -> None:
    """A table for each source: its versions, newest first."""
    numbers = ("files", "rows", "usage", "cost")
    for month in months:
        heading(_about(month.versions[0]))
        if month.forgotten_at:
            note(f"forgotten at {month.forgotten_at:{INSTANT}} UTC: none of these is published")
        made = table("", ("at (UTC)", "version", "run", "", *numbers, "warnings"), numbers)
        for record in month.versions:
            made.add_row(*_version_row(record), "\n".join(record_warnings(record)))
        out.print(made)


def _about(record: PublicationRecord) -> str:
    slot = record.slot
    return f"{slot.org_id}/{slot.source_name} {slot.source} {slot.period}"


def _version_row(record: PublicationRecord) -> Iterator[str]:
    activities = record.balance.activities
    yield f"{record.published_at:{INSTANT}}"
    yield record.version_id
    yield record.run_id
    yield "final" if record.is_final else "provisional"
    yield f"{len(record.files):,}"
    yield f"{activities.rows:,}"
    yield plain(activities.usage)
    yield cents(activities.cost)


def show_diffs(diffs: Iterable[VersionDiff]) -> None:
    """What was restated in each source: the files, and every figure that changed, to the last digit."""
    for each in diffs:
        heading(_about(each.after))
        out.print(f"from {_named(each.before)}\nto   {_named(each.after)}")
        out.print(f"{counted(len(each.added), 'file')} added, {len(each.dropped):,} dropped, {len(each.kept):,} kept")
        made = table("", ("service", "account", "region", "", "from", "to", "change"), ("from", "to", "change"))
        for group in each.groups:
            for figure, change in _figures(group):
                made.add_row(group.service, group.account, group.region, figure, *_numbers(change))
        if each.groups:
            out.print(made)
            note("kept files are in neither column" if each.kept else "these are all rows of both versions")
        else:
            out.print("nothing changed in what was metered")


def _named(record: PublicationRecord) -> str:
    activities = record.balance.activities
    when = f"{record.published_at:{INSTANT}}"
    return f"{record.version_id} (run {record.run_id}, {when}): {activities.rows:,} rows, cost {plain(activities.cost)}"


def _figures(group: GroupChange) -> Iterator[tuple[str, Change]]:
    """Only what changed."""
    figures = [("rows", group.rows), *group.usage.items(), (f"cost {group.currency}".strip(), group.cost)]
    return ((name, change) for name, change in figures if change.by)


def _numbers(change: Change) -> tuple[str, str, Text]:
    by = plain(change.by)
    return plain(change.before), plain(change.after), Text(by if change.by < 0 else f"+{by}")


def show_months(records: Sequence[PublicationRecord]) -> None:
    """Published months that something is about to be done to."""
    made = table("", ("source", "month", "version", "rows", "cost"), ("rows", "cost"))
    for record in records:
        slot, activities = record.slot, record.balance.activities
        source = f"{slot.org_id}/{slot.source_name} {slot.source}"
        made.add_row(source, str(slot.period), record.version_id, f"{activities.rows:,}", cents(activities.cost))
    out.print(made)


def show_vacuumed(orgs: Iterable[Vacuumed], *, dry_run: bool) -> None:
    """What was deleted, or would be: a line for each kind of file of each org."""
    made = table("would be deleted" if dry_run else "deleted", ("org", "what", "number", "MB"), ("number", "MB"))
    for each in orgs:
        made.add_row(each.org_id, "snapshots", f"{each.snapshots:,}", "")
        made.add_row(each.org_id, "empty manifests", f"{each.manifests:,}", "")
        for kind, amount in each.deleted.items():
            made.add_row(each.org_id, str(kind), f"{amount.files:,}", f"{amount.size / 1e6:.1f}")
        if each.spared:
            note(f"{each.org_id}: {each.spared:,} files were spared for runs in flight or closed within 7 days")
    out.print(made)
