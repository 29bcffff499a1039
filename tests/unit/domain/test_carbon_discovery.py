from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.domain.billing_period import BillingPeriod
from worker.domain.carbon_discovery import ModelVersion, find_carbon_manifests
from worker.domain.discovery import StoredObject, choose_report, find_manifests, newest_manifests

NAME = "carbon-Manifest.json"


def listing(*keys: str) -> list[StoredObject]:
    return [StoredObject(key, f"etag of {key}", 100, datetime(2026, 1, 1, tzinfo=UTC)) for key in keys]


def chosen(*keys: str) -> dict[str, str]:
    """The manifest of each month, as planning would choose it."""
    found = choose_report(find_carbon_manifests(listing(*keys)), "", "s3://bucket")
    return {str(each.period): each.object.key for each in newest_manifests(found)}


@pytest.mark.parametrize("model", ["model_version=v3.0.0", "carbon_model_version=v3.0.0", "MODEL_VERSION=v3.0.0"])
@pytest.mark.parametrize("run", ["", "2026-02-15T09:30:00.000Z-8c5a76cc/"])
def test_both_spellings_of_a_partition_are_found(model: str, run: str) -> None:
    [found] = find_carbon_manifests(listing(f"reports/carbon/metadata/{model}/usage_period=2026-01/{run}{NAME}"))

    assert (found.report, found.period, found.is_copy) == ("reports/carbon", BillingPeriod(2026, 1), bool(run))


@pytest.mark.parametrize(
    "key",
    [
        "reports/carbon/metadata/BILLING_PERIOD=2026-01/carbon-Manifest.json",
        "reports/carbon/data/carbon_model_version=v3.0.0/usage_period=2026-01/carbon-00001.csv.gz",
        "reports/carbon/metadata/carbon_model_version=v3.0.0/usage_period=2026-13/carbon-Manifest.json",
        "reports/carbon/metadata/carbon_model_version=v3.0.0/usage_period=2026-01/carbon-RedshiftManifest.json",
        "reports/carbon/metadata/carbon-Manifest.json",
    ],
)
def test_nothing_else_is_a_manifest_of_emissions(key: str) -> None:
    assert find_carbon_manifests(listing(key)) == ()


def test_of_several_models_of_a_month_the_newest_wins() -> None:
    old, new, other = (
        f"p/carbon/metadata/carbon_model_version={version}/usage_period={month}/{NAME}"
        for version, month in (("v3.9.0", "2026-01"), ("v3.10.0", "2026-01"), ("v3.9.0", "2025-12"))
    )

    assert chosen(new, old, other) == chosen(other, old, new) == {"2025-12": other, "2026-01": new}


def test_of_several_deliveries_by_one_model_the_latest_is_read() -> None:
    folder = "p/carbon/metadata/model_version=v3.0.0/usage_period=2026-01"
    latest, copy = f"{folder}/{NAME}", f"{folder}/2026-02-15T09:30:00.000Z-8c5a76cc/{NAME}"

    assert chosen(copy, latest) == {"2026-01": latest}


def test_two_exports_under_one_prefix_do_not_outdo_each_other() -> None:
    keys = [
        f"p/{name}/metadata/model_version={version}/usage_period=2026-01/{name}-Manifest.json"
        for name, version in (("a", "v3.0.0"), ("b", "v3.1.0"))
    ]

    assert {each.report for each in find_carbon_manifests(listing(*keys))} == {"p/a", "p/b"}


def test_an_export_beside_a_usage_report_is_told_apart() -> None:
    carbon = f"p/carbon/metadata/model_version=v3.0.0/usage_period=2026-01/{NAME}"
    usage = "p/usage/metadata/BILLING_PERIOD=2026-01/usage-Manifest.json"

    assert [each.object.key for each in find_carbon_manifests(listing(carbon, usage))] == [carbon]
    assert [each.object.key for each in find_manifests(listing(carbon, usage))] == [usage]


def test_versions_are_ordered_as_semantic_versions_are() -> None:
    ordered = ["none", "v2.9.9", "v3.0.0-rc.1", "v3.0.0", "3.0.1+build.7", "v3.9.0", "v3.10.0", "v10.0.0"]
    by_text = sorted(ordered)

    assert by_text != ordered
    assert sorted(by_text, key=ModelVersion.parse) == ordered
