"""`doctor` on a broker, a warehouse and a catalog that will not do."""

from __future__ import annotations

import errno
from pathlib import Path

from tests.integration.doctor.patient import Patient, verdicts
from tests.servers.seaweed import BUCKET, Seaweed
from tests.servers.valkey import free_port
from worker.adapters import folder_warehouse


def test_no_broker(patient: Patient) -> None:
    patient.configure(OFFGRIDFLOW_BROKER_URL=f"redis://:canary@127.0.0.1:{free_port()}/0")

    failed = patient.failure()
    _, findings = patient.says()

    assert (failed["check"], "cannot be reached" in failed["said"]) == ("broker", True)
    assert failed["remedy"].startswith("check that it runs")
    assert [verdicts(findings)[name] for name in ("catalog", "warehouse", "source")] == ["ok", "ok", "warn"]


def test_a_broker_that_forgets(patient: Patient, clean_valkey_url: str) -> None:
    from redis import Redis

    with Redis.from_url(clean_valkey_url) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        failed = patient.failure()
        redis.config_set("maxmemory-policy", "noeviction")

    assert (failed["check"], failed["remedy"]) == ("broker", "set maxmemory-policy noeviction")


def test_a_warehouse_that_may_only_be_read(patient: Patient, seaweed: Seaweed) -> None:
    seaweed.reader.sign_in(patient.environment)
    place = f'[source.cur]\nurl = "{(patient.folder / "local").as_uri()}"'
    where = {"OFFGRIDFLOW_WAREHOUSE": f"s3://{BUCKET}/house", "OFFGRIDFLOW_WAREHOUSE_ENDPOINT_URL": seaweed.url}
    patient.configure(place=place, **where)

    failed = patient.failure()

    assert failed["check"] == "warehouse"
    assert failed["remedy"].startswith(f"grant s3:PutObject on arn:aws:s3:::{BUCKET}/house/")
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/house/*",
    }


def test_a_warehouse_on_a_disk_that_is_mounted_read_only(patient: Patient) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    patient.environment.setattr(folder_warehouse, "_named", refuse)

    failed = patient.failure()

    assert (failed["check"], failed["remedy"], failed["policy"]) == ("warehouse", "mount it writable", None)


def test_a_catalog_that_cannot_be_opened(patient: Patient) -> None:
    patient.configure(OFFGRIDFLOW_CATALOG_URI="sqlite:////proc/no/catalog.db")

    failed = patient.failure()

    assert failed["check"] == "catalog"
    assert failed["remedy"]
