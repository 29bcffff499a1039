"""The Iceberg catalog: one namespace and one table for each org, made on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from worker.adapters import table_definition
from worker.adapters.layout import NAMESPACE_PREFIX, TABLE, namespace, table_key
from worker.adapters.warehouse import Warehouse, disk_errors
from worker.domain.errors import BadRequestError, FatalError, TransientError

NAME = "offgridflow"
BUSY_SECONDS = 30
"""How long a process waits for another's catalog transaction, each of which takes milliseconds."""

OPENING_TRIES = 5
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL")


def open_catalog(uri: str) -> SqlCatalog:
    """The SQL catalog at a SQLAlchemy URI, its tables made if they are missing. Close it when done."""
    url = make_url(uri)
    with catalog_errors():
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
        for _ in range(OPENING_TRIES - 1):
            with suppress(IntegrityError, OperationalError, ProgrammingError):
                # Another process may be making the catalog's tables at this very moment.
                return _opened(url)
        return _opened(url)


def _opened(url: URL) -> SqlCatalog:
    catalog = SqlCatalog(NAME, uri=url.render_as_string(hide_password=False))
    if url.get_backend_name() == "sqlite":
        # Readers and the one writer need not wait for each other. The file remembers it.
        with catalog.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    return catalog


@contextmanager
def catalog_errors() -> Iterator[None]:
    """Raise the catalog's and the disk's errors as ours. A lost connection leaves a commit undecided: it is tried again."""
    try:
        with disk_errors("the table's metadata"):
            yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorname", type(error.orig).__name__)
        message = f"the catalog: {error.orig}"
        if code.startswith(UNWRITABLE):
            raise FatalError(message, code, "let the workers write to the catalog and its folder") from error
        raise TransientError(message, code, "check that OFFGRIDFLOW_CATALOG_URI can be reached") from error


class OrgTables:
    """The table of each org. Two workers may ask for a new one at once: both get the same."""

    def __init__(self, catalog: Catalog, warehouse: Warehouse) -> None:
        self._catalog = catalog
        self._warehouse = warehouse

    def orgs(self) -> tuple[str, ...]:
        """Every org that has a table, in order."""
        with catalog_errors():
            names = [name[0] for name in self._catalog.list_namespaces() if name[0].startswith(NAMESPACE_PREFIX)]
            return tuple(sorted(name.removeprefix(NAMESPACE_PREFIX) for name in names))

    def find(self, org_id: str) -> Table | None:
        """The org's table as it is now; None when nothing was ever written for the org."""
        with catalog_errors():
            try:
                return self._catalog.load_table((namespace(org_id), TABLE))
            except NoSuchTableError:
                return None

    def get(self, org_id: str) -> Table:
        """The org's table as it is now, made if it is missing."""
        return self.find(org_id) or self._create(org_id)

    def _create(self, org_id: str) -> Table:
        self._refuse_other_spelling(org_id)
        with catalog_errors():
            with suppress(NamespaceAlreadyExistsError, IntegrityError):
                # Another worker may be first, or may have died between the namespace and the table.
                self._catalog.create_namespace((namespace(org_id),))
            try:
                return self._catalog.create_table(
                    (namespace(org_id), TABLE),
                    schema=table_definition.schema(),
                    location=self._warehouse.uri(table_key(org_id)),
                    partition_spec=table_definition.partition_spec(),
                    properties=table_definition.properties(),
                )
            except TableAlreadyExistsError:
                return self._catalog.load_table((namespace(org_id), TABLE))

    def _refuse_other_spelling(self, org_id: str) -> None:
        """Folders on some disks, and names in some catalogs, do not tell ``Acme`` from ``acme``."""
        for other in self.orgs():
            if other != org_id and other.casefold() == org_id.casefold():
                message = f"org ids {other!r} and {org_id!r} differ only in case, and {other!r} was there first"
                raise BadRequestError(message, "ambiguous_org", f"write org_id = {other!r}, or choose another id")
