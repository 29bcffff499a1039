"""Column names: one normalisation turns any report's header into CUR 2.0 names, and says what each column is to us."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache

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

HEADERS = 1024
"""The files of a month have the same columns, of which few reports have more: so many spellings are remembered."""

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def cur2_name(header: str) -> str:
    """The CUR 2.0 name of a header by AWS's own rule for Athena, which leaves CUR 2.0 names as they are.

    An underscore before each capital, all lower case, everything else that is no letter or digit an underscore, repeats
    collapsed, ends stripped. (AWS user guide, "Column Names" under running Amazon Athena queries.)
    """
    spaced = re.sub(r"([A-Z])", r"_\1", header).lower()
    return _SEPARATORS.sub("_", spaced).strip("_")


@lru_cache(HEADERS)
def _squashed(header: str) -> str:
    """What is left of a name when case and separators are ignored: it still tells every column we read from the others."""
    return _SEPARATORS.sub("", header.lower())


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that one kind of report is read for.

    Without all of ``required``, and one of ``one_of`` where there are any, no row of it can be understood. Of what is
    ``repeating`` a batch has far fewer texts than rows.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    repeating: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that its rules read, but for tags."""
        return (*self.required, *self.one_of, *self.optional)

    @property
    def known(self) -> dict[str, str]:
        """What is left of each name when it is squashed, to the name."""
        return {_squashed(name): name for name in (*self.names, TAG_MAP)}

    def missing(self, positions: Container[str]) -> list[str]:
        """What a header lacks without which it cannot be read."""
        missing = [name for name in self.required if name not in positions]
        if self.one_of and not any(name in positions for name in self.one_of):
            missing.append(f"{self.one_of[0]}, or any other of {len(self.one_of)}")
        return missing


OF_EACH_ROW = {
    "identity_line_item_id",
    "line_item_resource_id",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "split_line_item_parent_resource_id",
}
"""What a line item has for itself, or with few others."""

LINE_ITEMS = Wanted(REQUIRED, OPTIONAL, repeating=frozenset({*REQUIRED, *OPTIONAL, TAG_MAP} - OF_EACH_ROW))


def announced(headers: Iterable[str], wanted: Wanted = LINE_ITEMS) -> tuple[str, ...]:
    """Of the columns that a manifest lists, those that we read, by the names we know them by."""
    known = wanted.known
    return tuple(sorted({known[squashed] for header in headers if (squashed := _squashed(header)) in known}))


@dataclass(frozen=True, slots=True)
class Tag:
    """A legacy tag column: where it stands in the header, and its key in CUR 2.0's spelling (``user_name``)."""

    position: int
    key: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Where in a header each ``wanted`` column stands. ``width`` is the number of fields; ``tags`` in header order."""

    width: int
    positions: dict[str, int]
    tags: tuple[Tag, ...]
    wanted: Wanted = LINE_ITEMS

    def has(self, name: str) -> bool:
        """Whether the report has the column."""
        return name in self.positions

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """Each tag's key once, in header order."""
        return tuple(dict.fromkeys(tag.key for tag in self.tags))


def bind(header: list[str], about: str, wanted: Wanted = LINE_ITEMS) -> Binding:
    """Bind a header by name, whatever its order, case and spelling. ``about`` names the file in errors.

    Raises BadRequestError for a missing required column and for a column that is there twice.
    """
    known = wanted.known
    positions: dict[str, int] = {}
    tags: list[Tag] = []
    for position, raw in enumerate(header):
        squashed = _squashed(raw)
        name = known.get(squashed)
        if name in positions:
            raise BadRequestError(
                f"{about} has the column {raw!r} twice", "duplicate_column", "ask AWS for the report again"
            )
        if name:
            positions[name] = position
        elif squashed.startswith("resourcetags"):
            tags.append(Tag(position, cur2_name(raw).removeprefix("resource_tags_")))
    if missing := wanted.missing(positions):
        message = f"{about} lacks the required column {', '.join(missing)}"
        raise BadRequestError(message, "missing_column", "add it to the export's columns, or choose the standard set")
    return Binding(len(header), positions, tuple(tags), wanted)
