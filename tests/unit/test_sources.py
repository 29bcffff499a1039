"""Sources as offgridflow.toml and a command line have them, and how mistakes in them are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.domain.billing_period import BillingPeriod
from worker.domain.errors import BadRequestError
from worker.domain.source import CARBON, CUR, Source
from worker.settings import Settings, settings
from worker.sources import carbon_source_of, configured_sources, default_name, source_of

SECRET = "hunter2"

ACME = """
name = "acme"
org_id = "org-123"
[source.cur]
url = "s3://my-cur-bucket/cur/"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing is configured, and the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OFFGRIDFLOW_{name.upper()}", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def write(folder: Path, *sources: str) -> None:
    (folder / "offgridflow.toml").write_text("\n".join(f"[[source]]\n{each}" for each in sources), encoding="utf-8")


def refusal_of_file() -> BadRequestError:
    with pytest.raises(BadRequestError) as caught:
        configured_sources()
    return caught.value


def test_every_field_of_a_source_is_read(folder: Path) -> None:
    write(
        folder,
        """
        name = "acme"
        org_id = "org-123"
        workspace_id = "w_1"
        region = "eu-west-1"
        account_id = "123456789012"
        profile = "billing"
        role_arn = "arn:aws:iam::123456789012:role/reader"
        external_id = "e-1"
        start = "2024-01"
        end = "2024-03"
        [source.cur]
        url = "s3://my-cur-bucket/cur/"
        report = "my-report"
        requester_pays = true
        bucket_owner = "210987654321"
        """,
    )

    [source] = configured_sources()

    assert source == Source(
        name="acme",
        org_id="org-123",
        url="s3://my-cur-bucket/cur/",
        workspace_id="w_1",
        region="eu-west-1",
        account_id="123456789012",
        profile="billing",
        role_arn="arn:aws:iam::123456789012:role/reader",
        external_id="e-1",
        start=BillingPeriod(2024, 1),
        end=BillingPeriod(2024, 3),
        report="my-report",
        requester_pays=True,
        bucket_owner="210987654321",
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ACME.replace('org_id = "org-123"\n', ""), "org_id"),
        (ACME.replace("org-123", "org 123"), "org_id"),
        (ACME.replace('"acme"', '"Acme!"'), "name"),
        (ACME.replace("s3://my-cur-bucket/cur/", "https://example.com/"), "cur.url"),
        (ACME.replace("s3://my-cur-bucket/cur/", "file://relative/path"), "cur.url"),
        (ACME.replace("[source.cur]", 'account_id = "12"\n[source.cur]'), "account_id"),
        (ACME.replace("[source.cur]", 'start = "2024-13"\n[source.cur]'), "start"),
        (ACME.replace("[source.cur]", 'start = "2024-03"\nend = "2024-03"\n[source.cur]'), "not before end"),
        (ACME.replace("[source.cur]", "secret_access_key = 1\n[source.cur]"), "secret_access_key"),
        (ACME + "requester = true", "cur.requester"),
        (ACME.partition("[")[0], "needs [source.cur], [source.carbon] or both"),
        (ACME + '[source.carbon]\nvia = "export"', 'via = "export" needs a url'),
        (ACME + '[source.carbon]\nvia = "api"\nurl = "s3://bucket/carbon"', 'via = "api" takes no url'),
        (ACME + '[source.carbon]\nvia = "guess"', "carbon.via"),
    ],
)
def test_a_mistake_in_a_source_is_named(folder: Path, text: str, named: str) -> None:
    write(folder, text)

    refusal = refusal_of_file()

    assert named in refusal.message
    assert "offgridflow.toml" in refusal.message


def test_all_mistakes_of_a_file_are_named_at_once_and_no_secret_is_quoted(folder: Path) -> None:
    misplaced = ACME.replace("[source.cur]", f'secret_access_key = "{SECRET}"\n[source.cur]')
    write(folder, ACME.replace('org_id = "org-123"\n', ""), misplaced)

    message = refusal_of_file().message

    assert "source.0.org_id" in message
    assert "source.1.secret_access_key" in message
    assert SECRET not in message


def test_a_name_that_is_there_twice_is_named(folder: Path) -> None:
    write(folder, ACME, ACME)

    assert "twice: acme" in refusal_of_file().message


def test_a_file_that_is_not_there_comes_with_what_to_do() -> None:
    refusal = refusal_of_file()

    assert refusal.message == "there is no offgridflow.toml"
    assert "--url" in refusal.remedy


@pytest.mark.parametrize(("body", "said"), [(b"= 1", "no TOML"), (b"\xff", "cannot be read")])
def test_a_file_that_cannot_be_read_says_so(folder: Path, body: bytes, said: str) -> None:
    (folder / "offgridflow.toml").write_bytes(body)

    assert said in refusal_of_file().message


def test_sources_are_chosen_by_name(folder: Path) -> None:
    write(folder, ACME, ACME.replace('"acme"', '"other"'))

    chosen = [[source.name for source in configured_sources(names)] for names in ((), ("other",))]

    assert chosen == [["acme", "other"], ["other"]]


def test_a_name_that_is_not_configured_is_answered_with_those_that_are(folder: Path) -> None:
    write(folder, ACME)

    with pytest.raises(BadRequestError, match="no source nope") as caught:
        configured_sources(("nope",))

    assert "acme" in caught.value.remedy


def test_usage_and_emissions_of_one_source_are_read_apart(folder: Path) -> None:
    exported = '[source.carbon]\nvia = "export"\nurl = "s3://bucket/carbon/"\nreport = "ccft"'
    write(folder, ACME + '[source.carbon]\nvia = "api"', ACME.partition("[")[0].replace("acme", "other") + exported)

    usage, asked_for, delivered = configured_sources()

    assert [each.kind for each in (usage, asked_for, delivered)] == [CUR, CARBON, CARBON]
    assert [each.connector for each in (usage, asked_for)] == ["aws", "aws-carbon"]
    assert (asked_for.name, asked_for.org_id, asked_for.is_asked_for) == ("acme", "org-123", True)
    assert (delivered.url, delivered.report, delivered.is_asked_for) == ("s3://bucket/carbon/", "ccft", False)
    assert usage.configuration_digest != asked_for.configuration_digest


def test_estimates_need_no_file_either() -> None:
    asked_for, delivered = carbon_source_of("org-1", "acme"), carbon_source_of("org-1", "acme", "s3://bucket/carbon/")

    assert (asked_for.kind, asked_for.is_asked_for) == (CARBON, True)
    assert (delivered.kind, delivered.url) == (CARBON, "s3://bucket/carbon/")


def test_a_source_needs_no_file() -> None:
    source = source_of("s3://bucket/cur", "org-1", start="2024-01")

    assert (source.org_id, source.url, source.start) == ("org-1", "s3://bucket/cur", BillingPeriod(2024, 1))


def test_everything_wrong_with_a_source_without_a_file_is_named() -> None:
    with pytest.raises(BadRequestError) as caught:
        source_of("ftp://bucket", "no org", "No Name")

    assert all(name in caught.value.message for name in ("name: ", "org_id: ", "cur.url: "))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/My CUR/", "my-cur-"),
        ("s3://bucket", "bucket-"),
        ("file:///data/cur_2024", "cur-2024-"),
        ("file:///", "source-"),
    ],
)
def test_a_default_name_is_the_urls_last_part_and_tells_urls_apart(url: str, name: str) -> None:
    assert default_name(url).removesuffix(default_name(url)[-6:]) == name
    assert default_name(url) != default_name(f"{url}x")
