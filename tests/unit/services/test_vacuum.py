from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.ledger import FakeLedger
from tests.fakes.plans import NOON, plan_of, report_of
from tests.fakes.table_files import FakeTableFiles
from worker.domain.errors import BadRequestError, NotFoundError, TransientError
from worker.domain.garbage import FileKind, StoredFile
from worker.services.vacuum import BATCH, Amount, Limits, Vacuumed, limits, vacuum

WEEK = timedelta(days=7)
LIMITS = Limits(before=NOON - WEEK)
OLD = NOON - WEEK - timedelta(seconds=1)


class Unreachable(FakeLedger):
    """A broker that is away."""

    def digests_in_use(self, closed_within_seconds: float) -> frozenset[str]:
        raise TransientError("the broker cannot be reached")


def file(identity: str, kind: FileKind = FileKind.PART, size: int = 10) -> StoredFile:
    return StoredFile(f"{kind}/{identity}", kind, identity, size, OLD)


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger(ManualClock(NOON))


def test_old_files_that_nothing_needs_are_deleted_and_counted(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"org-123": [file("a"), file("b"), file("m", FileKind.METADATA, 7), file("needed")]})
    files.wanted = frozenset({"needed"})

    [done] = vacuum(ledger, files, LIMITS)

    assert files.deleted == ["a", "b", "m"]
    assert done.deleted[FileKind.PART] == Amount(2, 20)
    assert done.deleted[FileKind.METADATA] == Amount(1, 7)
    assert done.deleted[FileKind.RECORD] == Amount()
    assert (done.snapshots, done.manifests, done.spared) == (2, 3, 0)


def test_everything_is_done_in_one_turn_and_what_is_needed_is_asked_last(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"org-123": [file("a")]})

    vacuum(ledger, files, LIMITS)

    assert files.log == ["turn org-123", "trim", "stored", "needed", "delete a", "end org-123"]


def test_without_the_ledger_nothing_is_touched() -> None:
    files = FakeTableFiles({"org-123": [file("a")]})

    with pytest.raises(TransientError):
        vacuum(Unreachable(ManualClock()), files, LIMITS)

    assert files.log == []


def test_without_the_turn_nothing_is_touched(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"org-123": [file("a")]}, has_turn=False)

    with pytest.raises(TransientError):
        vacuum(ledger, files, LIMITS)

    assert files.log == []


def test_a_turn_that_was_lost_stops_the_deleting(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"org-123": [file(f"{number:05}") for number in range(BATCH + 1)]})

    def lose_it_after_the_first_batch() -> None:
        files.has_turn = not files.deleted

    files.meanwhile = lose_it_after_the_first_batch
    with pytest.raises(TransientError):
        vacuum(ledger, files, LIMITS)

    assert len(files.deleted) == BATCH


def test_a_dry_run_says_the_same_and_changes_nothing(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"org-123": [file("a"), file("b", FileKind.RECORD)]})

    would_be = vacuum(ledger, files, Limits(LIMITS.before, dry_run=True))

    assert files.deleted == []
    assert "trim" not in files.log
    assert would_be == vacuum(ledger, files, LIMITS)


def test_parts_of_a_running_run_are_spared_whether_it_adds_or_keeps_them(ledger: FakeLedger) -> None:
    plan = plan_of("a.csv", keep=("b.csv",))
    ledger.open(plan, "t1")
    files = FakeTableFiles({"org-123": [file(each.digest) for each in plan.files] + [file("x")]})

    [done] = vacuum(ledger, files, LIMITS)

    assert files.deleted == ["x"]
    assert done.spared == 2


@pytest.mark.parametrize(("days", "spared"), [(6.99, 1), (7.01, 0)])
def test_parts_of_a_closed_run_are_spared_for_seven_days(ledger: FakeLedger, days: float, spared: int) -> None:
    plan = plan_of("a.csv")
    run_id, _ = ledger.open(plan, "t1")
    ledger.close(run_id, report_of(run_id))
    files = FakeTableFiles({"org-123": [file(plan.files[0].digest)]})
    assert isinstance(ledger.clock, ManualClock)
    ledger.clock.advance(timedelta(days=days).total_seconds())

    [done] = vacuum(ledger, files, LIMITS)

    assert (done.spared, len(files.deleted)) == (spared, 1 - spared)


def test_a_run_opened_while_files_are_deleted_keeps_its_own(ledger: FakeLedger) -> None:
    plan = plan_of("z.csv")
    many = [file(f"{number:05}") for number in range(BATCH)]
    files = FakeTableFiles({"org-123": [*many, StoredFile("z", FileKind.PART, plan.files[0].digest, 1, OLD)]})

    def open_a_run_after_the_first_batch() -> None:
        if len(files.deleted) == BATCH:
            ledger.open(plan, "t1")

    files.meanwhile = open_a_run_after_the_first_batch
    vacuum(ledger, files, LIMITS)

    assert plan.files[0].digest not in files.deleted


def test_what_a_run_needed_at_the_beginning_is_spared_to_the_end(ledger: FakeLedger) -> None:
    plan = plan_of("a.csv")
    run_id, _ = ledger.open(plan, "t1")
    files = FakeTableFiles({"org-123": [file("x"), file(plan.files[0].digest)]})

    def publish_it() -> None:
        if "needed" in files.log:
            ledger.close(run_id, report_of(run_id))

    files.meanwhile = publish_it
    vacuum(ledger, files, Limits(LIMITS.before, spared_seconds=-1))

    assert files.deleted == ["x"]


def test_every_org_is_tidied_up_or_the_one_that_is_named(ledger: FakeLedger) -> None:
    files = FakeTableFiles({"a": [], "b": [], "c": []})

    assert [done.org_id for done in vacuum(ledger, files, LIMITS)] == ["a", "b", "c"]
    assert [done.org_id for done in vacuum(ledger, files, LIMITS, "b")] == ["b"]


@pytest.mark.parametrize("orgs", [{}, {"a": []}])
def test_an_org_without_a_table_is_not_found(ledger: FakeLedger, orgs: dict[str, list[StoredFile]]) -> None:
    with pytest.raises(NotFoundError, match="'b'"):
        vacuum(ledger, FakeTableFiles(orgs), LIMITS, "b")


def test_no_org_is_nothing_to_do(ledger: FakeLedger) -> None:
    nothing: tuple[Vacuumed, ...] = ()

    assert vacuum(ledger, FakeTableFiles(), LIMITS) == nothing


def test_less_than_an_hour_is_refused() -> None:
    assert limits(NOON, timedelta(hours=1), dry_run=True) == Limits(NOON - timedelta(hours=1), dry_run=True)
    with pytest.raises(BadRequestError):
        limits(NOON, timedelta(minutes=59), dry_run=False)
