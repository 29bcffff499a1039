from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from worker.adapters.row_groups import RowGroups
from worker.adapters.warehouse import disk_errors
from worker.domain.errors import AuthError, FatalError, IngestError, NotFoundError, TransientError


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    rows = RowGroups[pl.DataFrame](str(full), lambda batches: pl.concat(batches).to_arrow())
    rows.add(pl.DataFrame({"noise": [os.urandom(1000) for _ in range(1000)]}), 1000)

    with closing(rows), pytest.raises(TransientError) as error:
        rows.finish()

    assert error.value.code == "ENOSPC"
    assert "free space" in error.value.remedy


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EROFS, FatalError), (errno.EACCES, AuthError), (errno.ENOENT, NotFoundError)]
)
def test_what_the_disk_objects_to_comes_with_a_remedy(number: int, kind: type[IngestError]) -> None:
    with pytest.raises(kind) as error, disk_errors("a part"):
        raise OSError(number, "no")

    assert error.value.remedy
