"""What differs between usage and emissions: the columns that are read, the rules, and what the activities say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from worker.domain import activities, emission_activities, emissions, line_items
from worker.domain.balance import Balance
from worker.domain.columns import LINE_ITEMS, Wanted
from worker.domain.emission_columns import EMISSIONS
from worker.domain.line_items import Rules
from worker.domain.schema import CONSTANT_COLUMNS
from worker.domain.source import CARBON, CUR


@dataclass(frozen=True, slots=True)
class Rulebook:
    """How rows of one kind of report are judged, counted, and made into what is written.

    ``kind`` and ``data_quality`` are those of the activities; ``varying`` are the columns that are constant for the other
    kind; ``owner`` is the column of the account that an activity must not be counted for twice.
    """

    kind: str
    data_quality: str
    wanted: Wanted
    judge: Callable[[pl.DataFrame, Rules], pl.DataFrame]
    tally: Callable[[pl.DataFrame], Balance]
    activities: Callable[[pl.DataFrame, Rules], tuple[pl.DataFrame, Balance]]
    rejections: Callable[[pl.DataFrame, str], pl.DataFrame]
    owner: str
    varying: frozenset[str] = frozenset()

    @property
    def constants(self) -> tuple[str, ...]:
        """The columns with one value for all activities of a file."""
        return tuple(name for name in CONSTANT_COLUMNS if name not in self.varying)


RULEBOOKS: Mapping[str, Rulebook] = {
    CUR: Rulebook(
        kind="usage",
        data_quality="measured",
        wanted=LINE_ITEMS,
        judge=line_items.judge,
        tally=line_items.tally,
        activities=activities.activities,
        rejections=activities.rejections,
        owner="payer_account_id",
    ),
    CARBON: Rulebook(
        kind="emissions",
        data_quality="estimated",
        wanted=EMISSIONS,
        judge=emissions.judge,
        tally=emissions.tally,
        activities=emission_activities.activities,
        rejections=emission_activities.rejections,
        owner="account_id",  # the API names no payer
        varying=frozenset({"scope", "method", "model_version"}),
    ),
}
"""By `Source.kind`."""
