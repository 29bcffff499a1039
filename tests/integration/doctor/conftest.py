"""A patient who is well, until a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.turnstile import Turnstile, turnstile
from tests.integration.doctor.patient import Patient
from tests.servers.seaweed import Seaweed
from worker.adapters.sample_month import Month
from worker.domain.source import Location


@pytest.fixture
def patient(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clean_valkey_url: str,
    seaweed: Seaweed,
    s3_folder: str,
) -> Patient:
    seaweed.owner.sign_in(monkeypatch)
    monkeypatch.setenv("OFFGRIDFLOW_BROKER_URL", clean_valkey_url)
    monkeypatch.setenv("OFFGRIDFLOW_S3_ENDPOINT_URL", seaweed.url)
    remote = RemoteFolder(seaweed, tmp_path / "local", Location.parse(s3_folder).prefix)
    remote.deliver(Month("2025-01", rows=usage("1", "2")))
    patient = Patient(tmp_path, monkeypatch, remote)
    patient.configure()
    return patient


@pytest.fixture
def gate(seaweed: Seaweed, patient: Patient) -> Iterator[Turnstile]:
    """S3, as the patient reaches it."""
    with turnstile(seaweed.port) as gate:
        patient.configure(OFFGRIDFLOW_S3_ENDPOINT_URL=gate.url)
        yield gate
