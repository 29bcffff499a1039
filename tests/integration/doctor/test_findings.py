"""What `doctor` says of whoever is well, how it says what is wrong, and what it costs."""

from __future__ import annotations

import json

import pytest

from tests.integration.doctor.patient import Patient, verdicts
from tests.servers.seaweed import Seaweed
from worker.composition import limiter
from worker.domain.errors import IngestError


def test_whoever_can_ingest_is_well(patient: Patient) -> None:
    code, findings = patient.says()

    assert code == 0
    assert findings[0]["said"] == "1 source"
    assert [each["check"] for each in findings if each["check"] != "export options"] == [
        *("configuration", "broker", "broker", "workers", "workers", "catalog", "warehouse"),
        *("identity", "list", "manifests", "manifest", "file", "clock"),
    ]
    assert verdicts(findings) | {"broker": "", "workers": "", "export options": ""} == dict.fromkeys(
        ("configuration", "clock", "catalog", "warehouse", "identity", "list", "manifests", "manifest", "file"), "ok"
    ) | {"broker": "", "workers": "", "export options": ""}
    assert [each["remedy"] for each in findings if each["check"] == "broker"] == ["", "set appendonly yes"]


def test_nothing_is_left_behind(patient: Patient) -> None:
    before = {path.name for path in (patient.folder / "home").rglob("*")}

    patient.says()
    patient.says()

    assert before == set()
    files = {path.name for path in (patient.folder / "home").rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("catalog.db")} == set()


def test_a_look_takes_few_requests_all_through_the_limiter(patient: Patient, clean_valkey_url: str) -> None:
    patient.configure(OFFGRIDFLOW_RATE_LIMIT_PER_SEC="0.001")

    patient.says()
    [level] = limiter(clean_valkey_url).levels()

    assert level.bucket.startswith("s3:")
    assert round(level.capacity - level.tokens) == 3  # a listing, a manifest, a file


def test_in_words_each_failure_is_followed_by_what_to_do(patient: Patient, seaweed: Seaweed) -> None:
    seaweed.reader.sign_in(patient.environment)

    lines = patient.types().stdout.splitlines()

    at = next(number for number, line in enumerate(lines) if line.startswith("fail"))
    assert lines[at].startswith("fail list           acme: ")
    assert lines[at + 1].startswith("     → grant s3:ListBucket on ")
    assert json.loads(lines[at + 2])["Action"] == "s3:ListBucket"


def test_without_a_file_the_rest_is_examined(patient: Patient) -> None:
    (patient.folder / "offgridflow.toml").unlink()

    failed = patient.failure()

    assert (failed["check"], failed["remedy"]) == (
        "configuration",
        "write one, set OFFGRIDFLOW_CONFIG, or use --url and --org",
    )


def test_a_source_that_is_not_configured_is_a_mistake_in_the_command(patient: Patient) -> None:
    with pytest.raises(IngestError, match="no source nobody"):
        patient.says("nobody")
