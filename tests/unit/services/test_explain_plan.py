from __future__ import annotations

from dataclasses import replace

from tests.fakes.plans import ACME, plan_of, planned
from tests.fakes.publications import published
from worker.domain.plan import CONVERTER_VERSION, RunPlan
from worker.services.explain_plan import FileChange, explain

PUBLISHED = published(plan_of("a.csv"))


def adding(*files: str, etag: str) -> RunPlan:
    """A plan whose files are there under another ETag."""
    found = tuple(planned(key, etag=etag) for key in files)
    return replace(plan_of(), files=found, add=frozenset(file.digest for file in found))


def test_without_a_publication_every_file_is_new() -> None:
    changes = explain(plan_of("a.csv", "b.csv"), None)

    assert [(each.key, each.what, each.why) for each in changes] == [
        ("a.csv", "new", "not published yet"),
        ("b.csv", "new", "not published yet"),
    ]


def test_an_unchanged_file_is_kept() -> None:
    assert explain(plan_of(keep=("a.csv",)), PUBLISHED) == (
        FileChange("a.csv", 100, "kept", "published from this very object"),
    )


def test_a_file_beside_a_published_one_is_new() -> None:
    changes = explain(plan_of("b.csv", keep=("a.csv",)), PUBLISHED)

    assert [(each.key, each.what) for each in changes] == [("a.csv", "kept"), ("b.csv", "new")]


def test_an_overwritten_object_is_changed_by_its_etag_and_not_dropped_besides() -> None:
    [change] = explain(adding("a.csv", etag="e2"), PUBLISHED)

    assert (change.what, change.why) == ("changed", "its ETag is e2, published is e1")


def test_a_file_of_another_converter_is_changed_by_that() -> None:
    older = replace(PUBLISHED, converter_version=CONVERTER_VERSION - 1)

    [change] = explain(plan_of("a.csv"), older)

    assert change.why == f"published by converter {CONVERTER_VERSION - 1}, this is {CONVERTER_VERSION}"


def test_a_file_of_another_configuration_is_changed_by_that() -> None:
    plan = plan_of("a.csv", source=replace(ACME, workspace_id="w-1"))

    [change] = explain(plan, PUBLISHED)

    assert change.why == "the source's configuration changed"


def test_a_file_no_longer_named_is_dropped_and_comes_last() -> None:
    changes = explain(plan_of("b.csv"), PUBLISHED)

    assert [(each.key, each.what, each.why) for each in changes] == [
        ("b.csv", "new", "not published yet"),
        ("a.csv", "dropped", "the manifest no longer names it"),
    ]
