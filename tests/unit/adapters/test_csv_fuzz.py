from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.adapters.csv_files import ABOUT, body, opened, row
from worker.domain.activities import activities, rejections
from worker.domain.balance import Balance
from worker.domain.billing_period import BillingPeriod
from worker.domain.columns import REQUIRED
from worker.domain.errors import IngestError
from worker.domain.line_items import Rules, judge, tally

RULES = Rules("d" * 16, BillingPeriod(2024, 1), "", frozenset(REQUIRED))
AMOUNTS = st.sampled_from(["1", "", "-1", "0.1", "1e9", "3E-30", "NaN", "inf", "9" * 40, '"1,000.5"', " 1"])
LINES = st.one_of(
    st.builds(row, st.text('ab,"\n\r', max_size=4), AMOUNTS),
    st.text('a1,"\n\r\x00é -', max_size=30),
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", ""])
REPORTS = st.builds(lambda lines, end: body(*lines, end=end), st.lists(LINES, max_size=5), ENDS)
FILES = st.one_of(REPORTS, st.binary(max_size=60), st.tuples(REPORTS, st.binary(max_size=20)).map(b"".join))


@settings(max_examples=300, deadline=None)
@given(content=FILES, packed=st.booleans(), cut=st.integers(min_value=0, max_value=3))
def test_a_small_file_is_read_and_balances_or_is_a_classified_error(content: bytes, packed: bool, cut: int) -> None:
    stored = gzip.compress(content, mtime=0) if packed else content
    batches: list[pl.DataFrame] = []
    with TemporaryDirectory() as folder:
        try:
            rows = opened(Path(folder), stored[: len(stored) - cut]).batches(batches.append)
        except IngestError:
            return

    balance = Balance.total(_accounted(batch) for batch in batches)

    balance.check(ABOUT)
    assert balance.read.rows == rows


def _accounted(batch: pl.DataFrame) -> Balance:
    judged = judge(batch, RULES)
    made, notes = activities(judged, RULES)
    balance = tally(judged)
    assert (made.height, rejections(judged, ABOUT).height) == (balance.activities.rows, balance.rejected.rows)
    return balance + notes
