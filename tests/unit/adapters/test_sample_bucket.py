"""The sample is what it claims to be: read here with csv and decimal alone, by none of our own code."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from worker.adapters.sample_bucket import DELIVERIES, MonthTotals, SampleTotals, write_sample
from worker.domain.errors import BadRequestError

PHYSICAL = {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"}
MONEY = {
    "Tax", "Fee", "Credit", "Refund", "RIFee", "SavingsPlanNegation", "SavingsPlanRecurringFee",
    "SavingsPlanUpfrontFee", "BundledDiscount", "EdpDiscount",
}  # fmt: skip


class Sample(NamedTuple):
    folder: Path
    totals: SampleTotals


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("bucket")
    return Sample(folder, write_sample(folder, rows=2_002))


def manifest_of(folder: Path, month: MonthTotals) -> dict[str, list[str]]:
    found = next(each for each in DELIVERIES if each.period == str(month.period))
    document: dict[str, list[str]] = json.loads((folder / found.manifest_keys[-1]).read_text())
    return document


def files_of(folder: Path, month: MonthTotals) -> list[Path]:
    manifest = manifest_of(folder, month)
    urls = [url.removeprefix("s3://sample-bucket/") for url in manifest.get("dataFiles", [])]
    return [folder / key for key in manifest.get("reportKeys", urls)]


def rows_of(folder: Path, month: MonthTotals) -> Iterator[dict[str, str]]:
    """Rows by header in lower case without punctuation, which both spellings of a column share."""
    for path in files_of(folder, month):
        with gzip.open(path, "rt", newline="") as text:
            header, *rows = csv.reader(text)
        names = [re.sub(r"[^a-z]", "", name.lower()) for name in header]
        for row in rows:
            yield dict(zip(names, row, strict=True))


class Count:
    """A slow and separate reading of the rules for what becomes of a row."""

    def __init__(self, rows: Iterator[dict[str, str]], month: str) -> None:
        self.rows: Counter[str] = Counter()
        self.usage: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.cost: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.why: Counter[tuple[str, str]] = Counter()
        self.rounded = self.unparsable = self.uninvoiced = 0
        with localcontext(prec=60, rounding=ROUND_HALF_EVEN):
            for row in rows:
                self.add(row, month)

    def add(self, row: dict[str, str], month: str) -> None:
        unparsable = self.unparsable
        usage, cost = self.amount(row["lineitemusageamount"]), self.amount(row["lineitemunblendedcost"])
        fate, why = self.judge(row, month, usage, bad=self.unparsable > unparsable)
        self.why[fate, why] += 1
        self.uninvoiced += fate != "rejected" and not row["billinvoiceid"]
        for group in ("read", fate, row["lineitemlineitemtype"]):
            self.rows[group] += 1
            self.usage[group] += usage
            self.cost[group] += cost

    def amount(self, text: str) -> Decimal:
        try:
            said = Decimal(text or "0")
        except InvalidOperation:
            self.unparsable += 1
            return Decimal(0)
        kept = said.quantize(Decimal("1e-18"))
        self.rounded += kept != said
        return kept

    @staticmethod
    def judge(row: dict[str, str], month: str, usage: Decimal, *, bad: bool) -> tuple[str, str]:
        if not row["billbillingperiodstartdate"].startswith(month):
            return "rejected", "other_billing_period"
        if bad:
            return "rejected", "bad_number"
        if row["lineitemlineitemtype"] not in PHYSICAL:
            return "excluded", row["lineitemlineitemtype"]
        if row["splitlineitemparentresourceid"]:
            return "excluded", "SplitLineItem"
        if "HostBoxUsage" in row["lineitemusagetype"]:
            return "excluded", "DedicatedHostInstance"
        return ("rejected", "negative_usage") if usage < 0 else ("activity", "")


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, sample: Sample) -> None:
    totals = write_sample(tmp_path, rows=2_002)

    again = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert again == {path.relative_to(sample.folder): path.read_bytes() for path in sample.folder.rglob("*.*")}
    assert totals == sample.totals


def test_another_seed_writes_other_rows(tmp_path: Path, sample: Sample) -> None:
    other = write_sample(tmp_path, rows=2_002, seed=8)

    assert other.balance.read.rows == sample.totals.balance.read.rows == 2_002
    assert other.balance.read.usage != sample.totals.balance.read.usage


def test_an_independent_count_agrees_for_every_month(sample: Sample) -> None:
    for month in sample.totals.months:
        count = Count(rows_of(sample.folder, month), str(month.period))

        balance = month.balance
        fates = {"activity": balance.activities, "excluded": balance.excluded, "rejected": balance.rejected}
        groups = {"read": balance.read, **fates, **balance.by_line_item_type}
        assert {name: (tally.rows, tally.usage, tally.cost) for name, tally in groups.items()} == {
            name: (count.rows[name], count.usage[name], count.cost[name]) for name in count.rows
        }
        assert balance.excluded_by_type == {why: n for (fate, why), n in count.why.items() if fate == "excluded"}
        assert balance.rejected_by_reason == {why: n for (fate, why), n in count.why.items() if fate == "rejected"}
        assert balance.rounded == count.rounded > 0
        assert balance.unparsable == count.unparsable > 0
        assert balance.uninvoiced == count.uninvoiced


def test_every_month_balances_and_has_every_kind_of_row(sample: Sample) -> None:
    for month in sample.totals.months:
        balance = month.balance

        balance.check(str(month.period))
        assert balance.by_line_item_type.keys() >= PHYSICAL | MONEY
        assert balance.excluded_by_type.keys() >= MONEY | {"SplitLineItem", "DedicatedHostInstance"}
        assert balance.rejected_by_reason.keys() == {"negative_usage", "bad_number", "other_billing_period"}
        assert balance.notes.keys() == {"region_usage_type", "region_zone", "region_unknown", "unit_unknown"}


def test_amounts_come_with_exponents_and_with_more_digits_than_a_decimal_column_holds(sample: Sample) -> None:
    amounts = {row["lineitemusageamount"] for month in sample.totals.months for row in rows_of(sample.folder, month)}

    assert "3.34E-8" in amounts
    assert any(len(text.partition(".")[2]) > 18 for text in amounts)


def test_only_the_newest_month_is_still_open(sample: Sample) -> None:
    assert [str(month.period) for month in sample.totals.months if not month.balance.is_final] == ["2025-04"]


def test_manifests_name_exactly_the_files_that_exist(sample: Sample) -> None:
    named = [path for month in sample.totals.months for path in files_of(sample.folder, month)]

    assert sorted(named) == sorted(sample.folder.rglob("*.csv.gz"))
    assert len(named) == sum(month.files for month in sample.totals.months)


def test_an_export_manifest_has_the_four_keys_of_a_real_one(sample: Sample) -> None:
    manifest = manifest_of(sample.folder, sample.totals.months[-1])

    assert manifest.keys() == {"columns", "dataFiles", "executionId", "exportArn"}


def test_the_last_chunk_of_an_export_is_a_header_alone(sample: Sample) -> None:
    surplus = files_of(sample.folder, sample.totals.months[-1])[-1]

    assert gzip.decompress(surplus.read_bytes()).count(b"\n") == 1


def test_exports_keep_tags_and_product_attributes_as_json(sample: Sample) -> None:
    rows = list(rows_of(sample.folder, sample.totals.months[-1]))

    tags = [json.loads(row["resourcetags"]) for row in rows]
    assert {"user_environment": "staging", "user_team": 'søk, "funn"'} in tags
    assert {} in tags
    assert all(json.loads(row["product"])["product_name"] for row in rows)


def test_no_payer_is_billed_for_a_month_twice(sample: Sample) -> None:
    assert len({month.period for month in sample.totals.months}) == len(sample.totals.months) == 4


def test_too_few_rows_for_one_of_each_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="too few") as refused:
        write_sample(tmp_path, rows=10)

    least = int(re.findall(r"\d+", refused.value.remedy)[0])
    assert write_sample(tmp_path, rows=least).balance.read.rows == least
