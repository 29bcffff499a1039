"""The Iceberg catalog: one namespace and one table for each org, made on first use.

It loads its libraries only when it is opened: a worker that converts files needs no catalog, and starts a third of a second sooner.
"""

# ruff: noqa: PLC0415 (see above)
from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError

from worker.adapters import table_definition
from worker.adapters.layout import NAMESPACE_PREFIX, TABLE, namespace, table_key
from worker.adapters.warehouse import Warehouse, disk_errors
from worker.domain.errors import AuthError, BadRequestError, FatalError, IngestError, TransientError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table
    from sqlalchemy.engine import URL
    from sqlalchemy.exc import DBAPIError

NAME = "offgridflow"
WAITING = {"sqlite": {"timeout": "30"}, "postgresql": {"connect_timeout": "10"}}
"""For how many seconds a process waits for another's transaction, each of which takes milliseconds, or for a server."""

OPENING_TRIES = 5
NOT_ALLOWED = "42501"
UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "25006")


def open_catalog(uri: str, files: Mapping[str, str]) -> SqlCatalog:
    """The SQL catalog at a SQLAlchemy URI, its tables made if they are missing.

    ``files`` are the properties by which Iceberg reaches the tables' files. No error shows the URI's password.
    """
    from pyiceberg.catalog.sql import SqlCatalog

    url = _parsed(uri)
    with catalog_errors():
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        whole = url.render_as_string(hide_password=False)
        # A server that was restarted has dropped its connections: each is tried before it is used.
        catalog = SqlCatalog(NAME, uri=whole, init_catalog_tables="false", pool_pre_ping="true", **files)
        # A server counts its connections: whoever lets go of the catalog has closed it.
        weakref.finalize(catalog, catalog.engine.dispose)
        _make_tables(catalog)
    return catalog


def _parsed(uri: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
    except (ArgumentError, ImportError, ValueError):
        # What they say may have a piece of the password in it.
        remedy = (
            "set it to sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, special characters %-encoded"
        )
        raise BadRequestError("OFFGRIDFLOW_CATALOG_URI names no known database", "configuration", remedy) from None
    return url.set(query=WAITING.get(url.get_backend_name(), {}) | url.query)


def _make_tables(catalog: SqlCatalog) -> None:
    """Those of the catalog itself. Another process may be making them at this very moment."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    for tries_left in reversed(range(OPENING_TRIES)):
        try:
            catalog.create_tables()
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            if not tries_left or error.statement is None:  # it did not come as far as a statement
                raise
        else:
            break
    if catalog.engine.name == "sqlite":
        # Readers and the one writer need not wait for each other. The file remembers it.
        with catalog.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")


@contextmanager
def catalog_errors() -> Iterator[None]:
    """Raise the catalog's and the files' errors as ours. A lost connection leaves a commit undecided: it is tried again."""
    from sqlalchemy.exc import DBAPIError

    try:
        with disk_errors("the table's metadata"):
            yield
    except DBAPIError as error:
        raise _ours(error) from error


def _ours(error: DBAPIError) -> IngestError:
    by_name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    code, message = by_name or type(error.orig).__name__, f"the catalog: {error.orig}"
    if code == NOT_ALLOWED:
        return AuthError(message, code, "let the catalog's user make tables in its schema, and read and write them")
    if code.startswith(UNWRITABLE):
        return FatalError(message, code, "let the workers write to the catalog and its folder")
    return TransientError(message, code, "check OFFGRIDFLOW_CATALOG_URI: its host, its user and password, its database")


class OrgTables:
    """The table of each org, in a catalog that is opened on first use. Two workers may ask for a new one at once: both get the same."""

    def __init__(self, catalog: Callable[[], Catalog], warehouse: Warehouse) -> None:
        self._open = catalog
        self._warehouse = warehouse

    @cached_property
    def _catalog(self) -> Catalog:
        return self._open()

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

    def schema(self, org_id: str) -> Schema:
        """The columns of the org's table; if it is missing, those that it will be made with."""
        table = self.find(org_id)
        if table is None:
            self._refuse_other_spelling(org_id)
            return table_definition.schema()
        return table.schema()

    def get(self, org_id: str) -> Table:
        """The org's table as it is now, made if it is missing."""
        return self.find(org_id) or self._create(org_id)

    def _create(self, org_id: str) -> Table:
        from sqlalchemy.exc import IntegrityError

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
