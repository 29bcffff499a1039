from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from worker.adapters.spool import YOUNG_SECONDS, Spool
from worker.domain.errors import FatalError

HOLD = "import sys; from pathlib import Path; from worker.adapters.spool import Spool\n"
HOLD += "with Spool(Path(sys.argv[1])).folder(1) as folder: print(folder, flush=True); sys.stdin.read()"


def age(folder: Path) -> None:
    then = folder.stat().st_mtime - 2 * YOUNG_SECONDS
    os.utime(folder, (then, then))


def test_a_folder_is_there_for_a_block_and_gone_after_it(tmp_path: Path) -> None:
    with Spool(tmp_path).folder(1) as folder:
        (folder / "report").write_bytes(b"x")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_gets_no_folder(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=10)

    with spool.folder(10):
        pass
    with pytest.raises(FatalError, match="11 bytes") as caught, spool.folder(11):
        pass

    assert "OFFGRIDFLOW_SPOOL_LIMIT" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        folder = Path(holder.stdout.readline().strip())
        age(folder)

        assert Spool(tmp_path).sweep() == 0
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert Spool(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_young_folder_and_what_is_not_ours_are_left_alone(tmp_path: Path) -> None:
    young, other = tmp_path / "offgridflow-young", tmp_path / "other"
    young.mkdir()
    other.mkdir()
    age(other)

    assert Spool(tmp_path).sweep() == 0
    assert {young, other} == set(tmp_path.iterdir())
