"""Column names: one normalisation turns any report's header into CUR 2.0 names, and says what each column is to us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.domain.errors import BadRequestError

REQUIRED = (
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_usage_account_id",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_line_item_type",
    "line_item_usage_amount",
)
"""Without one of these no row can be understood."""

OPTIONAL = (
    "identity_line_item_id",
    "bill_invoice_id",
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "line_item_operation",
    "line_item_resource_id",
    "line_item_availability_zone",
    "line_item_unblended_cost",
    "line_item_currency_code",
    "line_item_usage_unit",
    "pricing_unit",
    "product",
    "product_product_name",
    "product_servicecode",
    "product_instance_type",
    "product_region",
    "product_region_code",
    "product_from_region_code",
    "product_from_location",
    "product_location",
    "split_line_item_parent_resource_id",
)
"""Read when there; their absence costs what they would have said, never the run."""

TAG_MAP = "resource_tags"
"""CUR 2.0 delivers tags as one map column; legacy reports as one column for each tag."""


def cur2_name(header: str) -> str:
    """The CUR 2.0 name of a header by AWS's own rule for Athena, which leaves CUR 2.0 names as they are.

    An underscore before each capital, all lower case, everything else that is no letter or digit an underscore, repeats
    collapsed, ends stripped. (AWS user guide, "Column Names" under running Amazon Athena queries.)
    """
    spaced = re.sub(r"([A-Z])", r"_\1", header).lower()
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", spaced)).strip("_")


def _squashed(header: str) -> str:
    """What is left of a name when case and separators are ignored: it still tells every column we read from the others."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


KNOWN = {_squashed(name): name for name in (*REQUIRED, *OPTIONAL, TAG_MAP)}


def announced(headers: Iterable[str]) -> tuple[str, ...]:
    """Of the columns that a manifest lists, those that we read, by CUR 2.0 name."""
    return tuple(sorted({KNOWN[squashed] for header in headers if (squashed := _squashed(header)) in KNOWN}))


@dataclass(frozen=True, slots=True)
class Tag:
    """A legacy tag column: where it stands in the header, and its key in CUR 2.0's spelling (``user_name``)."""

    position: int
    key: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Where in a header each column stands that we read. ``width`` is the number of fields; ``tags`` in header order."""

    width: int
    positions: dict[str, int]
    tags: tuple[Tag, ...]

    def has(self, name: str) -> bool:
        """Whether the report has the column."""
        return name in self.positions

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """Each tag's key once, in header order."""
        return tuple(dict.fromkeys(tag.key for tag in self.tags))


def bind(header: list[str], about: str) -> Binding:
    """Bind a header by name, whatever its order, case and spelling. ``about`` names the file in errors.

    Raises BadRequestError for a missing required column and for a column that is there twice.
    """
    positions: dict[str, int] = {}
    tags: list[Tag] = []
    for position, raw in enumerate(header):
        squashed = _squashed(raw)
        name = KNOWN.get(squashed)
        if name in positions:
            raise BadRequestError(
                f"{about} has the column {raw!r} twice", "duplicate_column", "ask AWS for the report again"
            )
        if name:
            positions[name] = position
        elif squashed.startswith("resourcetags"):
            tags.append(Tag(position, cur2_name(raw).removeprefix("resource_tags_")))
    if missing := [name for name in REQUIRED if name not in positions]:
        message = f"{about} lacks the required column {', '.join(missing)}"
        raise BadRequestError(message, "missing_column", "add it to the export's columns, or choose the standard set")
    return Binding(len(header), positions, tuple(tags))
