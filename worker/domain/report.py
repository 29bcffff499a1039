"""The report of a run: what `ingest --json` prints, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from worker.domain.balance import Balance
from worker.domain.counting import counted
from worker.domain.errors import Failure
from worker.domain.outcome import RunState
from worker.domain.source import CARBON, KINDS


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Report files of a run: ``total`` called for; of those ingested, unchanged, failed; and dropped from the month."""

    total: int = 0
    ingested: int = 0
    unchanged: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended (or stands, while ``state`` is running).

    ``balance`` is that of the whole published period; ``requests`` (AWS calls), ``bytes_read`` and ``seconds`` are of this run.
    ``billing_period`` is None when a source failed before any month was known. ``at`` is when the report was made.
    """

    run_id: str
    source_name: str
    org_id: str
    connector: str
    billing_period: str | None
    state: RunState
    at: datetime
    version_id: str = ""
    snapshot_id: int | None = None
    final: bool = False
    files: FileCounts = field(default_factory=FileCounts)
    balance: Balance = field(default_factory=Balance)
    requests: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    errors: tuple[Failure, ...] = ()

    @property
    def tonnes(self) -> Mapping[str, Decimal]:
        """What was read of emissions, by scope and method; of usage there are none. These are never added up."""
        if KINDS[self.connector] != CARBON:
            return {}
        return {figure: tally.usage for figure, tally in self.balance.by_line_item_type.items()}

    def document(self) -> dict[str, object]:
        """The run as `ingest --json` documents it; amounts are strings with all their digits.

        One of estimates has ``emissions`` too: `tonnes`.
        """
        balance = self.balance
        emissions = {figure: plain(amount) for figure, amount in self.tonnes.items()}
        tallies = {
            "read": balance.read,
            "activities": balance.activities,
            "excluded": balance.excluded,
            "rejected": balance.rejected,
        }
        return {
            "run_id": self.run_id,
            "source_name": self.source_name,
            "org_id": self.org_id,
            "connector": self.connector,
            "billing_period": self.billing_period,
            "state": str(self.state),
            "version_id": self.version_id,
            "snapshot_id": self.snapshot_id,
            "final": self.final,
            "files": {name: getattr(self.files, name) for name in FileCounts.__dataclass_fields__},
            "rows": {name: tally.rows for name, tally in tallies.items()},
            "excluded_by_type": dict(balance.excluded_by_type),
            "rejected_by_reason": dict(balance.rejected_by_reason),
            "usage_amount": {name: plain(tally.usage) for name, tally in tallies.items()},
            "cost": {name: plain(tally.cost) for name, tally in tallies.items()},
            **({"emissions": emissions} if emissions else {}),
            "rounded": balance.rounded,
            "unparsable": balance.unparsable,
            "warnings": list(self.warnings),
            "requests": self.requests,
            "bytes_read": self.bytes_read,
            "seconds": round(self.seconds, 3),
            "errors": [_error(failure) for failure in self.errors],
        }


def plain(amount: Decimal) -> str:
    """All digits, no exponent, no trailing zeros."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _error(failure: Failure) -> Mapping[str, str]:
    return {
        "file": failure.file,
        "error_class": str(failure.error_class),
        "code": failure.code,
        "message": failure.message,
        "remedy": failure.remedy,
    }


def warnings(balance: Balance) -> tuple[str, ...]:
    """What a reader of the month must know, one sentence each."""
    notes = balance.notes
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in balance.rejected_by_reason.items())
    sentences = (
        (balance.rejected.rows, f"rejected ({reasons})"),
        (notes.get("rejections_not_kept", 0), "rejected beyond the number that is kept to look at"),
        (notes.get("unit_unknown", 0), "without a unit, kept with the unit `unknown`"),
        (notes.get("region_unknown", 0), "without a region, kept with the location `GLOBAL`"),
        (notes.get("missing_fields", 0), "or fewer have too few fields: what stands behind a gap is one column off"),
        (notes.get("tags_malformed", 0), "with tags that are no JSON object, kept without tags"),
        (notes.get("cost_absent", 0), "without a cost: the report has no cost column"),
        (notes.get("service_unknown", 0), "without a service, kept with the category `cloud_other`"),
        (notes.get("totals_differ", 0), "whose total is not the sum of its scopes, in AWS's own figures"),
    )
    about_rows = [f"{counted(count, 'row')} {what}" for count, what in sentences if count]
    absent = notes.get("columns_absent", 0)
    about_columns = [f"{absent:,} missing columns: the manifest announces them, a file lacks them"] if absent else []
    return (*about_rows, *about_columns)
