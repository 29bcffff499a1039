from __future__ import annotations

import pytest

from worker.adapters.sample_carbon import COLUMNS, FIRST_COLUMNS
from worker.domain.columns import announced, bind
from worker.domain.emission_columns import EMISSIONS
from worker.domain.errors import BadRequestError

TOTAL = "total_mbm_emissions_value"


def test_a_header_is_bound_by_name_whatever_its_order_and_case() -> None:
    header = ["note", *(name.upper() for name in reversed(COLUMNS))]

    bound = bind(header, "carbon.csv", EMISSIONS)

    assert bound.positions == {name: header.index(name.upper()) for name in EMISSIONS.names}
    assert (bound.width, bound.tag_keys, bound.wanted) == (24, (), EMISSIONS)


def test_the_first_exports_with_their_one_total_can_be_read() -> None:
    bound = bind(list(FIRST_COLUMNS), "carbon.csv", EMISSIONS)

    assert [name for name in EMISSIONS.one_of if bound.has(name)] == [TOTAL]


@pytest.mark.parametrize("missing", EMISSIONS.required)
def test_a_missing_column_is_named(missing: str) -> None:
    header = [name for name in COLUMNS if name != missing]

    with pytest.raises(BadRequestError, match=missing) as caught:
        bind(header, "carbon.csv", EMISSIONS)
    assert caught.value.code == "missing_column"


def test_an_export_without_any_figure_cannot_be_read() -> None:
    with pytest.raises(BadRequestError, match="total_lbm_emissions_value, or any other of 7"):
        bind(list(EMISSIONS.required), "carbon.csv", EMISSIONS)


def test_a_manifest_announces_what_is_read_of_its_columns() -> None:
    assert announced(["Total_MBM_Emissions_Value", "last_refresh_timestamp"], EMISSIONS) == (TOTAL,)
