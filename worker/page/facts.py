"""What the page shows, and where it asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from worker.domain.outcome import FileOutcome
    from worker.domain.plan import Slot
    from worker.domain.report import RunReport
    from worker.services.diff_versions import VersionDiff
    from worker.services.history import MonthHistory
    from worker.services.overview import Overview


class Dimension(StrEnum):
    """What usage is shown by."""

    CATEGORY = "category"
    SERVICE = "service"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class UsageSum:
    """A month's usage of one name of a `Dimension`, in one unit and one currency. ``cost`` is None where no report has it."""

    period: str
    name: str
    unit: str
    currency: str
    quantity: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class EmissionsSum:
    """A month's emissions of one scope by one method (empty: by either) in one unit. A total and its scopes never add up."""

    period: str
    scope: str
    method: str
    unit: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Sample:
    """A rejected row: where it stood, why, and what the column to blame said (empty: the whole row is to blame)."""

    file: str
    row: int
    reason: str
    column: str
    value: str


class Facts(Protocol):
    """What is known at one moment. Each is read when it is first asked for, and then stays."""

    @property
    def overview(self) -> Overview:
        """What `offgridflow status` shows."""

    @property
    def runs(self) -> tuple[RunReport, ...]:
        """Every run that is still known, newest first."""

    def files(self, report: RunReport) -> tuple[FileOutcome, ...]:
        """What became of each file that the run read, by key."""

    def history(self, slot: Slot) -> MonthHistory | None:
        """The versions of a month; None when it was never published."""

    def restated(self, slot: Slot) -> VersionDiff | None:
        """What the newest version changed in the one before it; None when there is none. An IngestError says why not."""

    def usage(self, org_id: str, dimension: Dimension) -> tuple[UsageSum, ...]:
        """Sums of what is published."""

    def emissions(self, org_id: str) -> tuple[EmissionsSum, ...]:
        """Sums of what is published."""

    def samples(self, slot: Slot) -> tuple[Sample, ...]:
        """Some rejected rows of each reason, as the published version has them."""
