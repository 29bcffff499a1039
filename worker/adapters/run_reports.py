"""The last closed run of every slot, in the warehouse: it outlives the broker."""

from __future__ import annotations

from worker.adapters import codec
from worker.adapters.layout import report_key
from worker.adapters.warehouse import Warehouse
from worker.domain.report import RunReport
from worker.domain.source import KINDS


class WarehouseRunReports:
    """One file for each slot, replaced whole. Of two runs of a slot that end at once, the one that writes last is kept."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def keep(self, report: RunReport) -> None:
        """Keep it in the place of the slot's earlier one."""
        kind = KINDS[report.connector]
        key = report_key(report.org_id, report.source_name, kind, report.billing_period)
        self._warehouse.put(key, codec.dump(report))

    def latest(self) -> tuple[RunReport, ...]:
        """All of them, in order of org, source name, source and month."""
        keys = self._warehouse.list(report_key("*", "*", "*", "*"))
        return tuple(codec.load(RunReport, self._warehouse.read(key)) for key in keys)
