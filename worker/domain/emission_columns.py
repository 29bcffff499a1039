"""The columns of AWS's carbon emissions export, and the seven figures that it and the Sustainability API give.

The API's answer is written down under the same names, so that what follows knows one kind of row.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.columns import Wanted


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the figures of a row. The scopes are AWS's; to its customer all of them are scope 3, category 1.

    ``scope`` is `total`, `scope1`, `scope2` or `scope3`; ``method`` is `lbm` (location based), `mbm` (market based), or None
    for scope 1, which is the same by both. ``column`` is what its two columns begin with.
    """

    scope: str
    method: str | None
    column: str

    @property
    def name(self) -> str:
        """Scope and method in one word."""
        return f"{self.scope}_{self.method}" if self.method else self.scope

    @property
    def value(self) -> str:
        """Its column of values."""
        return f"{self.column}_value"

    @property
    def unit(self) -> str:
        """Its column of units."""
        return f"{self.column}_unit"

    @property
    def api_name(self) -> str:
        """What the API calls it."""
        return self.column.removesuffix("_emissions").upper() + "_CARBON_EMISSIONS"


FIGURES = (
    Figure("total", "lbm", "total_lbm_emissions"),
    Figure("total", "mbm", "total_mbm_emissions"),
    Figure("scope1", None, "total_scope_1_emissions"),
    Figure("scope2", "lbm", "total_scope_2_lbm_emissions"),
    Figure("scope2", "mbm", "total_scope_2_mbm_emissions"),
    Figure("scope3", "lbm", "total_scope_3_lbm_emissions"),
    Figure("scope3", "mbm", "total_scope_3_mbm_emissions"),
)
"""A total is the sum of the three scopes by its method: adding it to them, or the methods to each other, counts twice."""

EMISSIONS = Wanted(
    required=("usage_period_start", "usage_period_end", "usage_account_id", "product_code"),
    one_of=tuple(figure.value for figure in FIGURES),
    optional=(
        *(figure.unit for figure in FIGURES),
        "payer_account_id",
        "region_code",
        "location",
        "model_version",
    ),
)
"""What the rules read. Exports that were made before AWS gave scopes or location based figures lack those columns."""

EXPORT_COLUMNS = tuple(sorted((*EMISSIONS.names, "last_refresh_timestamp")))
"""All columns of the export, in AWS's order."""
