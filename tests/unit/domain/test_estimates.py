from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Context, Decimal
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.carbon_source import estimate_of
from tests.unit.domain.figures import EC2
from worker.adapters.sample_carbon import COLUMNS, Footprint, sample_footprints
from worker.domain.amounts import amount
from worker.domain.emission_columns import EXPORT_COLUMNS, FIGURES
from worker.domain.errors import TransientError
from worker.domain.estimates import Estimate, Snapshot, snapshots

SAMPLE = sample_footprints("2026-01")


def written(*footprints: Footprint) -> Snapshot:
    [snapshot] = snapshots(map(estimate_of, footprints))
    return snapshot


def rows(snapshot: Snapshot) -> Iterator[dict[str, str]]:
    return iter(csv.DictReader(io.StringIO(snapshot.body.decode())))


def test_an_estimate_is_written_as_the_export_would_have_it() -> None:
    [row] = rows(written(EC2))

    assert tuple(row) == EXPORT_COLUMNS == COLUMNS
    unsaid = {"last_refresh_timestamp", "location", "payer_account_id"}
    assert row == {name: "" if name in unsaid else text for name, text in EC2.row.items()}


def test_every_figure_of_the_api_has_its_columns() -> None:
    assert {figure.api_name for figure in FIGURES} == set(EC2.figures)
    assert {name for figure in FIGURES for name in (figure.value, figure.unit)} <= set(COLUMNS)


def test_the_same_estimates_give_the_same_bytes_in_whatever_order_they_come() -> None:
    shuffled = list(SAMPLE)
    Random(1).shuffle(shuffled)

    assert written(*shuffled) == written(*SAMPLE)
    assert len(list(rows(written(*SAMPLE)))) == len(SAMPLE)


@pytest.mark.parametrize(
    "restated",
    [
        replace(EC2, model_version="v3.1.0"),
        replace(EC2, unit="kg"),
        replace(EC2, service="AmazonS3"),
        replace(EC2, figures={**EC2.figures, "TOTAL_SCOPE_1_CARBON_EMISSIONS": 0.1000000001}),
        replace(EC2, figures={name: 0.1 for name in EC2.figures if "TOTAL_MBM" not in name}),
    ],
)
def test_whatever_aws_restates_gives_another_digest(restated: Footprint) -> None:
    assert written(restated).etag != written(EC2).etag


def test_each_month_is_a_snapshot_of_its_own_and_one_without_estimates_is_none() -> None:
    months = [*sample_footprints("2026-03"), *sample_footprints("2025-12"), *SAMPLE]

    found = snapshots(map(estimate_of, months))

    assert [str(each.period) for each in found] == ["2025-12", "2026-01", "2026-03"]
    assert found[1] == written(*SAMPLE)
    assert snapshots([]) == ()


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_the_zone_that_times_come_in_does_not_matter(hours: int) -> None:
    [snapshot] = snapshots([estimate_of(EC2, timezone(timedelta(hours=hours)))])

    assert snapshot == written(EC2)


@given(st.floats(min_value=0, max_value=1e12))
def test_a_figure_is_written_as_the_shortest_decimal_that_is_the_same_double(tonnes: float) -> None:
    [row] = rows(written(replace(EC2, figures={"TOTAL_SCOPE_1_CARBON_EMISSIONS": tonnes})))

    text = row["total_scope_1_emissions_value"]
    assert float(text) == tonnes
    read = pl.DataFrame({"said": [text]}).select(amount("said")).item()
    assert read == Decimal(text).quantize(Decimal("1e-18"), context=Context(prec=100))


def test_a_figure_that_aws_does_not_give_stays_blank() -> None:
    [row] = rows(written(replace(EC2, figures={"TOTAL_SCOPE_1_CARBON_EMISSIONS": 0})))

    assert row["total_scope_1_emissions_value"] == "0.0"
    assert (row["total_lbm_emissions_value"], row["total_lbm_emissions_unit"]) == ("", "")


@pytest.mark.parametrize("other", [EC2, replace(EC2, service="AmazonS3", model_version="v3.1.0")])
def test_a_month_that_was_restated_between_two_pages_is_asked_for_again(other: Footprint) -> None:
    with pytest.raises(TransientError) as caught:
        written(EC2, other)

    assert caught.value.code == "restated_meanwhile"


@pytest.mark.parametrize("lost", ["TimePeriod", "DimensionsValues", "ModelVersion", "EmissionsValues"])
def test_an_estimate_that_did_not_come_whole_is_asked_for_again(lost: str) -> None:
    broken: Estimate = estimate_of(EC2)
    del broken[lost]  # type: ignore[misc] # that is the point

    with pytest.raises(TransientError) as caught:
        snapshots([broken])

    assert (caught.value.code, lost in caught.value.message) == ("broken_estimate", True)
