"""`doctor`, fault by fault: it names each, says what to do, and which permission is missing."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.refusals import refusing
from tests.acceptance.turnstile import Turnstile, turnstile
from tests.fakes.clock import ManualClock
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.servers.aws_account import EXTERNAL_ID, ROLE, AwsAccount
from tests.servers.http_stub import Answer, http_stub
from tests.servers.seaweed import BUCKET, Seaweed
from tests.servers.sustainability import OWNER, refusal, sustainability
from tests.servers.valkey import free_port
from worker.adapters import folder_warehouse
from worker.adapters.sample_month import Month
from worker.adapters.source_probes import S3Probe
from worker.adapters.system_clock import SystemClock
from worker.cli.commands import app
from worker.composition import limiter
from worker.domain.errors import IngestError
from worker.domain.source import Location, Source
from worker.settings import settings

KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/abc"
SECRETS = ("owner-secret", "reader-secret", "wrong-secret", "carbon-secret", "tenant-8", "canary")
Finding = dict[str, Any]


class Patient:
    """Somebody who has one source configured, and asks the doctor about it."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch, remote: RemoteFolder) -> None:
        self.folder = folder
        self.environment = environment
        self.remote = remote

    def configure(self, source: str = "", place: str = "", **variables: str) -> None:
        """``source`` and ``place`` are more lines of the source, and of its ``[source.cur]``."""
        place = place or f'[source.cur]\nurl = "{self.remote.url}"'
        text = f'[[source]]\nname = "acme"\norg_id = "org-1"\n{source}\n{place}\n'
        (self.folder / "offgridflow.toml").write_text(text)
        for name, value in variables.items():
            self.environment.setenv(name, value)
        settings.cache_clear()

    def says(self, *arguments: str) -> tuple[int, list[Finding]]:
        """The exit code, and the findings, among which there is no secret."""
        ended = self.types("--json", *arguments)
        document = json.loads(ended.stdout)
        assert document["well"] == (ended.exit_code == 0)
        return ended.exit_code, document["findings"]

    def types(self, *arguments: str) -> Result:
        """What the command says; what it raises, `worker.cli.main` shows."""
        ended = CliRunner().invoke(app, ["doctor", *arguments])
        if isinstance(ended.exception, IngestError):
            raise ended.exception
        assert not [secret for secret in SECRETS if secret in f"{ended.output}{ended.exception!r}"]
        return ended

    def failure(self) -> Finding:
        """The only thing that failed."""
        code, findings = self.says()
        [failed] = [each for each in findings if each["verdict"] == "fail"]
        assert code == 1
        return failed


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


def verdicts(findings: list[Finding]) -> dict[str, str]:
    """By check; of several of a check, the last."""
    return {each["check"]: each["verdict"] for each in findings}


def test_whoever_can_ingest_is_well(patient: Patient) -> None:
    code, findings = patient.says()

    assert code == 0
    assert [each["check"] for each in findings if each["check"] != "export options"] == [
        *("configuration", "clock", "broker", "broker", "workers", "workers", "catalog", "warehouse"),
        *("identity", "list", "manifests", "manifest", "file"),
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


def test_a_wrong_secret(patient: Patient, seaweed: Seaweed) -> None:
    replace(seaweed.owner, secret_key="wrong-secret").sign_in(patient.environment)

    failed = patient.failure()

    assert (failed["check"], failed["source_name"], failed["policy"]) == ("list", "acme", None)
    assert failed["remedy"] == "correct the secret: it is not the one that belongs to the access key"


def test_a_bucket_that_may_not_be_listed(patient: Patient, seaweed: Seaweed) -> None:
    seaweed.reader.sign_in(patient.environment)

    failed = patient.failure()

    assert failed["check"] == "list"
    assert failed["remedy"].startswith(f"grant s3:ListBucket on arn:aws:s3:::{BUCKET}")
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": f"arn:aws:s3:::{BUCKET}",
        "Condition": {"StringLike": {"s3:prefix": f"{patient.remote.prefix}/*"}},
    }


@pytest.mark.parametrize(("ending", "check"), [("Manifest.json", "manifest"), (".csv.gz", "file")])
def test_objects_that_may_not_be_read(patient: Patient, gate: Turnstile, ending: str, check: str) -> None:
    with refusing(gate, ending, 403, "AccessDenied"):
        failed = patient.failure()

    assert failed["check"] == check
    assert failed["remedy"].startswith(f"grant s3:GetObject on arn:aws:s3:::{BUCKET}/{patient.remote.prefix}/")
    assert "or set requester_pays" in failed["remedy"]
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/{patient.remote.prefix}/*",
    }


@pytest.mark.parametrize(
    ("named", "resource", "more"),
    [
        (f" on resource: {KMS_KEY}", KMS_KEY, {}),
        ("", "arn:aws:kms:*:*:key/*", {"Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}}),
    ],
)
def test_a_key_that_may_not_decrypt(
    patient: Patient, gate: Turnstile, named: str, resource: str, more: dict[str, object]
) -> None:
    message = f"User: u is not authorized to perform: kms:Decrypt{named} because no policy allows it"

    with refusing(gate, ".csv.gz", 403, "AccessDenied", message):
        failed = patient.failure()

    assert (failed["check"], "in the key's own policy too" in failed["remedy"]) == ("file", True)
    assert failed["policy"] == {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": resource, **more}


def test_an_external_id_that_does_not_match(patient: Patient, aws_account: AwsAccount) -> None:
    aws_account.member.sign_in(patient.environment)
    in_role = f'role_arn = "{ROLE}"\nexternal_id = "tenant-8"'
    patient.configure(in_role, AWS_ENDPOINT_URL_STS=aws_account.url, OFFGRIDFLOW_S3_ENDPOINT_URL=aws_account.url)

    failed = patient.failure()

    assert failed["check"] == "identity"
    assert failed["remedy"].endswith("; or its sts:ExternalId does not match: it must be the source's external_id")
    assert failed["policy"] == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}


def test_who_may_assume_its_role_is_told_whom_aws_takes_it_for(patient: Patient, aws_account: AwsAccount) -> None:
    aws_account.member.sign_in(patient.environment)
    in_role = f'role_arn = "{ROLE}"\nexternal_id = "{EXTERNAL_ID}"'
    patient.configure(in_role, AWS_ENDPOINT_URL_STS=aws_account.url, OFFGRIDFLOW_S3_ENDPOINT_URL=aws_account.url)

    _, findings = patient.says()

    [identity] = [each for each in findings if each["check"] == "identity"]
    assert identity["verdict"] == "ok"
    assert ":assumed-role/reports/" in identity["said"]


def test_a_bucket_in_another_region(patient: Patient) -> None:
    elsewhere = "<Error><Code>PermanentRedirect</Code><Message>no</Message><Region>eu-south-1</Region></Error>"

    with http_stub(Answer(301, elsewhere.encode())) as s3:
        patient.configure(OFFGRIDFLOW_S3_ENDPOINT_URL=s3.url)
        failed = patient.failure()

    assert (failed["check"], failed["remedy"]) == ("list", "set the source's region to eu-south-1")


def test_a_clock_that_aws_refuses(patient: Patient) -> None:
    skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error>"

    with http_stub(Answer(403, skewed.encode())) as s3:
        patient.configure(OFFGRIDFLOW_S3_ENDPOINT_URL=s3.url)
        failed = patient.failure()

    assert failed["check"] == "list"
    assert failed["remedy"].startswith("fix this host's clock")


def test_the_skew_is_told_by_whoever_answers_even_if_it_refuses(patient: Patient) -> None:
    clock = ManualClock(SystemClock().now() - timedelta(minutes=20))
    source = Source("acme", "org-1", "s3://reports/cur/")
    denied = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"

    with http_stub(Answer(403, denied, {"x-amz-bucket-region": "eu-west-1"})) as s3:
        probe = S3Probe(source, FakeRateLimiter(), clock, s3.url)
        with pytest.raises(IngestError):
            list(probe.store.list())

    assert probe.skew is not None
    assert abs(probe.skew - timedelta(minutes=20)) < timedelta(seconds=30)
    assert (probe.region, probe.bucket_region) == ("us-east-1", "eu-west-1")


def test_a_prefix_with_nothing_below_it(patient: Patient) -> None:
    patient.configure(place=f'[source.cur]\nurl = "s3://{BUCKET}/no-such-prefix"')

    failed = patient.failure()

    assert (failed["check"], failed["said"]) == (
        "manifests",
        f"no report's manifest lies under s3://{BUCKET}/no-such-prefix",
    )
    assert failed["remedy"].startswith("check the url; AWS writes a first delivery up to 24 hours after")


def test_several_exports_below_a_prefix(patient: Patient) -> None:
    patient.remote.deliver(Month("2025-01", rows=usage("1"), name="another"))

    failed = patient.failure()

    assert (failed["check"], "several reports lie under" in failed["said"]) == ("manifests", True)
    assert failed["remedy"].startswith("name one as `report`")


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


@pytest.fixture
def ask_carbon(patient: Patient) -> Callable[[str], None]:
    """Have the patient ask for its estimates at this URL."""

    def ask(url: str) -> None:
        OWNER.sign_in(patient.environment)
        patient.configure(place='[source.carbon]\nvia = "api"', OFFGRIDFLOW_SUSTAINABILITY_ENDPOINT_URL=url)

    return ask


def test_estimates_are_asked_for_once(patient: Patient, ask_carbon: Callable[[str], None]) -> None:
    with sustainability() as api:
        ask_carbon(api.url)
        code, findings = patient.says()
        asked = api.bodies

    assert (code, verdicts(findings)["estimates"]) == (0, "ok")
    assert [each["MaxResults"] for each in asked] == [1]


def test_estimates_that_may_not_be_asked_for(patient: Patient, ask_carbon: Callable[[str], None]) -> None:
    with sustainability() as api:
        api.fail_first(10, refusal(403, "AccessDeniedException"))
        ask_carbon(api.url)
        failed = patient.failure()

    assert failed["check"] == "estimates"
    assert failed["policy"] == {
        "Effect": "Allow",
        "Action": "sustainability:GetEstimatedCarbonEmissions",
        "Resource": "*",
    }


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
