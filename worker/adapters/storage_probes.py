"""Whether what is published can be written: the catalog, and the warehouse. Nothing stays behind."""

from __future__ import annotations

from uuid import uuid4

from pyiceberg.catalog import Catalog

from worker.adapters.catalog import catalog_errors
from worker.adapters.warehouse import Warehouse
from worker.domain.errors import FatalError

BODY = b"written by offgridflow doctor"


def write_to_catalog(catalog: Catalog) -> None:
    """Make a namespace, and drop it; no org's tables are in one of this name."""
    name = (f"doctor-{uuid4().hex}",)
    with catalog_errors():
        catalog.create_namespace(name)
        catalog.drop_namespace(name)


def write_to_warehouse(warehouse: Warehouse) -> None:
    """Put a file, read it back, and delete it."""
    key = f"doctor-{uuid4().hex}"
    warehouse.put(key, BODY)
    try:
        if warehouse.read(key) != BODY:
            message = f"{warehouse.uri(key)} was read back as something else than was written"
            raise FatalError(
                message, "not_as_written", "look at what holds the warehouse: it does not keep what it is given"
            )
    finally:
        warehouse.delete(key)
