from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.fakes.plans import NOON
from worker.domain.garbage import FileKind, StoredFile, garbage

LIMIT = NOON - timedelta(days=7)
OLD, YOUNG = LIMIT - timedelta(seconds=1), LIMIT


def stored(identity: str, kind: FileKind = FileKind.PART, written: datetime = OLD) -> StoredFile:
    return StoredFile(f"{kind}/{identity}", kind, identity, 1, written)


@pytest.mark.parametrize("kind", FileKind)
def test_what_is_old_and_needed_by_nothing_is_garbage(kind: FileKind) -> None:
    file = stored("x", kind)

    assert garbage([file], frozenset(), LIMIT) == (file,)


@pytest.mark.parametrize("kind", FileKind)
def test_what_is_needed_is_not_however_old(kind: FileKind) -> None:
    assert garbage([stored("x", kind)], frozenset({"x"}), LIMIT) == ()


@pytest.mark.parametrize("kind", FileKind)
def test_what_is_young_is_not_whether_needed_or_not(kind: FileKind) -> None:
    assert garbage([stored("x", kind, YOUNG)], frozenset(), LIMIT) == ()


@pytest.mark.parametrize("young", [FileKind.PART, FileKind.REJECTIONS])
def test_a_part_and_its_rejections_stay_together(young: FileKind) -> None:
    both = [stored("x", kind, YOUNG if kind is young else OLD) for kind in (FileKind.PART, FileKind.REJECTIONS)]

    assert garbage(both, frozenset(), LIMIT) == ()


def test_parts_go_before_their_rejections_because_they_prove_them() -> None:
    files = [
        stored("a", FileKind.METADATA),
        stored("b", FileKind.REJECTIONS),
        stored("c", FileKind.PART),
        stored("b", FileKind.PART),
    ]

    doomed = garbage(files, frozenset(), LIMIT)

    assert [(file.kind, file.identity) for file in doomed] == [
        (FileKind.PART, "b"),
        (FileKind.PART, "c"),
        (FileKind.REJECTIONS, "b"),
        (FileKind.METADATA, "a"),
    ]
