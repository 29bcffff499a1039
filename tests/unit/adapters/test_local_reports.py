"""What a folder has that a bucket has not: links, permissions, names above it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.report_store import still_wanted
from worker.adapters import local_reports
from worker.adapters.local_reports import LocalReports
from worker.domain.errors import AuthError, BadRequestError, ChangedError, NotFoundError


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything; nobody may not."""
    who = os.geteuid()
    if who == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(who)


def keys(folder: Path) -> list[str]:
    return [each.key for each in LocalReports(folder).list()]


def test_the_roots_are_the_names_of_the_folder_and_its_parents() -> None:
    assert LocalReports(Path("/data/2024/cur")).roots == ("", "cur", "2024/cur", "data/2024/cur")


def test_the_bucket_is_the_folder_as_a_url() -> None:
    assert LocalReports(Path("/data/my cur")).bucket == "file:///data/my%20cur"


def test_keys_come_in_the_order_of_s3(tmp_path: Path) -> None:
    for name in ("a/1.csv", "a-1.csv", "a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert keys(tmp_path) == ["a-1.csv", "a.csv", "a/1.csv"]


def test_only_files_of_the_folder_exist(tmp_path: Path) -> None:
    folder, outside = tmp_path / "cur", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    for place in (folder / "real.csv", outside / "secret.csv"):
        place.write_bytes(b"rows")
    (folder / "inner.csv").symlink_to("real.csv")
    (folder / "escape.csv").symlink_to(outside / "secret.csv")
    (folder / "folder").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "dangling.csv").symlink_to("nothing")
    os.mkfifo(folder / "pipe.csv")

    assert keys(folder) == ["inner.csv", "real.csv"]
    for key in ("escape.csv", "folder/secret.csv", "pipe.csv"):
        with pytest.raises(NotFoundError):
            LocalReports(folder).fetch(key, "4-0", 4, tmp_path / "into", still_wanted)


@pytest.mark.parametrize("key", ["../outside.csv", "a/../../outside.csv", "/etc/hostname"])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(BadRequestError, match="outside"):
        LocalReports(tmp_path).read_manifest(key)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "a.csv").touch()
    (tmp_path / "latest").symlink_to("2024")

    assert keys(tmp_path / "latest") == ["a.csv"]


def test_a_data_files_etag_is_its_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"rows")
    os.utime(tmp_path / "a.csv", ns=(5, 1_700_000_000_000_000_123))

    [found] = LocalReports(tmp_path).list()

    assert found.etag == "4-1700000000000000123"


def test_a_manifest_that_was_only_touched_is_the_same(tmp_path: Path) -> None:
    manifest = tmp_path / "r-Manifest.json"
    manifest.write_bytes(b"{}")
    store = LocalReports(tmp_path)
    [before] = store.list()
    os.utime(manifest, ns=(5, 5))

    assert [each.etag for each in store.list()] == [before.etag]
    assert store.read_manifest("r-Manifest.json", if_none_match=before.etag) is None


def test_a_file_that_changes_while_it_is_copied_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"rows")
    [found] = LocalReports(tmp_path).list()

    def meddle() -> None:
        os.utime(tmp_path / found.key, ns=(7, 7))

    with pytest.raises(ChangedError):
        LocalReports(tmp_path).fetch(found.key, found.etag, found.size, tmp_path / "into", meddle)


def test_what_may_not_be_read_is_a_matter_of_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "cur"
    folder.mkdir()
    (folder / "r-Manifest.json").write_bytes(b"{}")
    store = LocalReports(folder)
    (folder / "r-Manifest.json").chmod(0)

    with without_privileges(), pytest.raises(AuthError, match="Manifest") as unreadable:
        store.read_manifest("r-Manifest.json")
    folder.chmod(0)
    with without_privileges(), pytest.raises(AuthError, match="cur"):
        list(store.list())
    folder.chmod(0o755)

    assert "let this user read" in unreadable.value.remedy


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()

    with pytest.raises(NotFoundError, match=r"a\.csv"):
        list(LocalReports(tmp_path / "a.csv").list())


def test_a_manifest_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_reports, "MANIFEST_LIMIT_BYTES", 1)
    (tmp_path / "r-Manifest.json").write_bytes(b"{}")

    with pytest.raises(BadRequestError, match="longer than"):
        LocalReports(tmp_path).read_manifest("r-Manifest.json")
