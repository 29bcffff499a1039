"""A DuckDB script that does the same work."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from bench.peers.columns import AMOUNTS, INSTANTS, SERVICE_NAME, TAG, TEXT, name_in, tag_key
from worker.domain import reference

LOOKED_UP = {"category": reference.categories, "location": reference.locations, "unit": reference.units}


def statement(path: str, names: list[str]) -> str:
    """Copy the usage rows of a report in any of its three shapes."""
    columns = {
        **{name: f'"{name_in(names, header)}"' for name, header in TEXT.items()},
        **{name: f'"{name_in(names, header)}"::timestamp' for name, header in INSTANTS.items()},
        **{name: f'"{name_in(names, header)}"::varchar::decimal(38, 18)' for name, header in AMOUNTS.items()},
        "service_name": _service_name(path, names),
        "tags": _tags(path, names),
        "source_row": "row_number() over ()",
        "activity_id": "'0123456789abcdef-' || row_number() over ()",
        "purchase_option": f"case \"{name_in(names, TEXT['line_item_type'])}\" when 'DiscountedUsage' then 'Reserved' "
        "when 'SavingsPlanCoveredUsage' then 'SavingsPlan' else 'OnDemand' end",
    }
    selected = ", ".join(f"{value} as {name}" for name, value in columns.items())
    return f"""
        create temp view made as select {selected} from {_source(path)};
        copy (
            select made.*, coalesce(category.value, 'cloud_other') as category,
                   coalesce(location.value, 'GLOBAL') as location, coalesce(unit.value, made.pricing_unit, 'unknown') as unit
            from made left join category on category.key = service_code left join location on location.key = region
                      left join unit on unit.key = pricing_unit
            where line_item_type like '%Usage'
        ) to '{sys.argv[2]}' (format parquet, compression zstd, compression_level 1);
    """  # noqa: S608 (the names are ours)


def _source(path: str) -> str:
    return f"'{path}'" if path.endswith(".parquet") else f"read_csv('{path}', all_varchar = true, header = true)"


def _service_name(path: str, names: list[str]) -> str:
    if SERVICE_NAME in names:
        return f'"{SERVICE_NAME}"'
    return "product['product_name']" if path.endswith(".parquet") else "product ->> '$.product_name'"


def _tags(path: str, names: list[str]) -> str:
    if path.endswith(".parquet"):
        return "resource_tags"
    if "resource_tags" in names:
        return "resource_tags::json::map(varchar, varchar)"
    pairs = ", ".join(f"{{'k': '{tag_key(name)}', 'v': \"{name}\"}}" for name in names if name.startswith(TAG))
    return f"map_from_entries(list_filter([{pairs}], lambda pair: pair.v is not null))"


if __name__ == "__main__":
    base = duckdb.connect()
    base.sql(f"set preserve_insertion_order = true; set temp_directory = '{Path(sys.argv[2]).parent}'")
    for name, table in LOOKED_UP.items():
        base.execute(f"create temp table {name} (key varchar, value varchar)")
        base.executemany(f"insert into {name} values (?, ?)", list(table().items()))  # noqa: S608 (as above)
    columns = base.sql(f"select * from {_source(sys.argv[1])} limit 0").columns  # noqa: S608 (as above)
    base.execute(statement(sys.argv[1], columns))
