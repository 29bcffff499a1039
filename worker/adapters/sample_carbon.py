"""AWS's estimates of emissions, made up: as its API answers them, and as the carbon emissions export delivers them.

Nothing here is shared with the converter. Figures are whole grams, as AWS rounds them, and every total is the sum of its scopes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random

from worker.adapters.sample_columns import PAYER
from worker.adapters.sample_month import Layout, Month, write_month
from worker.adapters.sample_rows import ACCOUNTS
from worker.domain.billing_period import BillingPeriod

GRAMS_PER_TONNE = 10**6

COLUMNS = (
    "last_refresh_timestamp", "location", "model_version", "payer_account_id", "product_code", "region_code",
    "total_lbm_emissions_unit", "total_lbm_emissions_value", "total_mbm_emissions_unit", "total_mbm_emissions_value",
    "total_scope_1_emissions_unit", "total_scope_1_emissions_value",
    "total_scope_2_lbm_emissions_unit", "total_scope_2_lbm_emissions_value",
    "total_scope_2_mbm_emissions_unit", "total_scope_2_mbm_emissions_value",
    "total_scope_3_lbm_emissions_unit", "total_scope_3_lbm_emissions_value",
    "total_scope_3_mbm_emissions_unit", "total_scope_3_mbm_emissions_value",
    "usage_account_id", "usage_period_end", "usage_period_start",
)  # fmt: skip
"""The export as it is delivered today."""

FIRST_COLUMNS = tuple(name for name in COLUMNS if "lbm" not in name and "scope" not in name)
"""The export as it was first delivered: one total, market based."""

API_NAMES = {
    "TOTAL_LBM_CARBON_EMISSIONS": "total_lbm_emissions",
    "TOTAL_MBM_CARBON_EMISSIONS": "total_mbm_emissions",
    "TOTAL_SCOPE_1_CARBON_EMISSIONS": "total_scope_1_emissions",
    "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": "total_scope_2_lbm_emissions",
    "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": "total_scope_2_mbm_emissions",
    "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS": "total_scope_3_lbm_emissions",
    "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS": "total_scope_3_mbm_emissions",
}
"""What the API calls a figure, and what its columns in the export begin with."""

REGIONS = {"us-east-1": "US East (N. Virginia)", "eu-west-1": "EU (Ireland)", "ap-southeast-2": "Asia Pacific (Sydney)"}
SERVICES = ("AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "")
"""AWS leaves the product of some emissions blank."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one account's use of one service in one region emitted in a month; ``figures`` are tonnes, by the API's names."""

    period: BillingPeriod
    account: str
    region: str
    service: str
    model_version: str
    figures: Mapping[str, float]
    unit: str = "MTCO2e"

    @property
    def row(self) -> dict[str, str]:
        """Its row of the export."""
        known = {
            "last_refresh_timestamp": f"{self.period.end:%Y-%m}-15 09:30:00Z",
            "location": REGIONS.get(self.region, self.region),
            "model_version": self.model_version,
            "payer_account_id": PAYER,
            "product_code": self.service,
            "region_code": self.region if self.region in REGIONS else "",
            "usage_account_id": self.account,
            "usage_period_start": f"{self.period.start:%Y-%m-%d %H:%M:%SZ}",
            "usage_period_end": f"{self.period.end:%Y-%m-%d %H:%M:%SZ}",
        }
        values = {f"{API_NAMES[name]}_value": repr(value) for name, value in self.figures.items()}
        return known | values | {f"{API_NAMES[name]}_unit": self.unit for name in self.figures}


def sample_footprints(period: str, *, model_version: str = "v3.0.0", seed: int = 7) -> tuple[Footprint, ...]:
    """The estimates of a month: every service in every region by every account, and what has no region at all."""
    month = BillingPeriod.parse(period)
    random = Random(f"{seed} {period} {model_version}")  # noqa: S311 - a sample is no secret; it must be repeatable
    grains = [*product(ACCOUNTS, REGIONS, SERVICES), *product(ACCOUNTS, ("Global",), ("AmazonCloudFront",))]
    return tuple(Footprint(month, *grain, model_version, _figures(random)) for grain in grains)


def _figures(random: Random) -> Mapping[str, float]:
    """Of the electricity, a market based method counts what no renewable energy was bought for: often nothing."""
    scope1, scope2, scope3_lbm, scope3_mbm = (
        random.randrange(bound) for bound in (900, 4_000_000, 9_000_000, 9_000_000)
    )
    scope2_mbm = random.choice((0, scope2 // 20))
    totals = (scope1 + scope2 + scope3_lbm, scope1 + scope2_mbm + scope3_mbm)
    grams = (*totals, scope1, scope2, scope2_mbm, scope3_lbm, scope3_mbm)
    return {name: amount / GRAMS_PER_TONNE for name, amount in zip(API_NAMES, grams, strict=True)}


@dataclass(frozen=True, slots=True)
class CarbonMonth(Month):
    """One delivery of the export: to be written by `write_month`, with rows of `Footprint.row`.

    ``partition`` is how the folder of its model is spelled: AWS's documentation says ``model_version``, its buckets have
    ``carbon_model_version``.
    """

    layout: Layout = Layout.EXPORT
    columns: tuple[str, ...] = COLUMNS
    name: str = "carbon-emissions"
    model_version: str = "v3.0.0"
    partition: str = "carbon_model_version"

    @property
    def _partition(self) -> str:
        return f"{self.partition}={self.model_version}/usage_period={self.billing_period}"


def write_estimates(folder: Path, periods: Sequence[str] = ("2025-03", "2025-04")) -> Mapping[str, Decimal]:
    """Write the export of these months below ``folder``, and return the tonnes in it, by what their columns begin with."""
    tonnes = dict.fromkeys(API_NAMES.values(), Decimal(0))
    for period in periods:
        footprints = sample_footprints(period)
        write_month(folder, CarbonMonth(period, rows=tuple(each.row for each in footprints)))
        for each in footprints:
            for name, value in each.figures.items():
                tonnes[API_NAMES[name]] += Decimal(repr(value))
    return tonnes
