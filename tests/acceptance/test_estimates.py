"""AWS's own estimates of emissions beside the usage: real workers, real boto3, a service that checks signatures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.buckets import RemoteFolder, totals_of, usage
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.seaweed import Seaweed
from tests.servers.sustainability import OWNER, Sustainability, refusal, sustainability
from worker import api
from worker.adapters.sample_carbon import Footprint, sample_footprints
from worker.adapters.sample_month import Month
from worker.domain.emission_columns import FIGURES

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5")
PAGES = 3
SUMS = "select billing_period, scope, method, sum(quantity) from emissions group by all"

Sums = dict[tuple[str, str, str | None], Decimal]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer: usage in a bucket, estimates in AWS's service, both of one configured source."""

    deployment: Deployment
    service: Sustainability
    org: str

    def ingest(self) -> tuple[int, dict[tuple[str, str | None], dict[str, Any]]]:
        """`offgridflow ingest`: its exit code, and its runs by connector and month."""
        ended = self.deployment.cli("ingest", "--json")
        runs = json.loads(ended.stdout)["runs"]
        return ended.returncode, {(run["connector"], run["billing_period"]): run for run in runs}

    def states(self) -> dict[tuple[str, str | None], str]:
        return {which: run["state"] for which, run in self.ingest()[1].items()}

    def emissions(self) -> Sums:
        """What is published, in tonnes."""
        return {(month, scope, method): amount for month, scope, method, amount in api.query(SUMS, self.org).rows}


def estimated(footprints: list[Footprint]) -> Sums:
    """What must be published."""
    sums: defaultdict[tuple[str, str, str | None], Decimal] = defaultdict(Decimal)
    for each in footprints:
        for figure in FIGURES:
            sums[str(each.period), figure.scope, figure.method] += Decimal(repr(each.figures[figure.api_name]))
    return dict(sums)


@pytest.fixture(scope="module")
def service() -> Iterator[Sustainability]:
    with sustainability() as running:
        yield running


@pytest.fixture(scope="module")
def own_deployment(
    seaweed: Seaweed, service: Sustainability, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Workers that know the service."""
    folder = tmp_path_factory.mktemp("estimates")
    endpoint = {"OFFGRIDFLOW_SUSTAINABILITY_ENDPOINT_URL": service.url}
    with deployed(folder, seaweed, "control", "files", **endpoint) as running:
        yield running


@pytest.fixture
def account(own_deployment: Deployment, service: Sustainability, org: str, remote: RemoteFolder) -> Iterator[Account]:
    """A month of usage, and two months of estimates on three pages."""
    remote.deliver(Month("2025-01", rows=ROWS))
    service.footprints.clear()
    service.publish([*sample_footprints("2024-12"), *sample_footprints("2025-01")])
    service.page_size = -(-len(service.footprints) // PAGES)
    configure(own_deployment, org, remote.url)
    with used(own_deployment.environment):
        yield Account(own_deployment, service, org)


def configure(deployment: Deployment, org: str, url: str, end: str = "2025-02") -> None:
    """One source with both. The service has identities of its own, so it is asked under another profile."""
    credentials = Path(deployment.environment["AWS_SHARED_CREDENTIALS_FILE"])
    if "[carbon]" not in (known := credentials.read_text()):
        keys = f"aws_access_key_id = {OWNER.access_key}\naws_secret_access_key = {OWNER.secret_key}\n"
        credentials.write_text(f"{known}[carbon]\n{keys}")
    shared = f'org_id = "{org}"\nstart = "2024-12"\nend = "{end}"\n'
    Path(deployment.environment["OFFGRIDFLOW_CONFIG"]).write_text(
        f'[[source]]\nname = "acme"\n{shared}[source.cur]\nurl = "{url}"\n'
        f'[[source]]\nname = "acme-carbon"\nprofile = "carbon"\n{shared}[source.carbon]\nvia = "api"\n'
    )


def test_estimates_are_published_beside_the_usage_to_the_last_digit(account: Account) -> None:
    exit_code, runs = account.ingest()

    assert exit_code == 0
    assert {which: run["state"] for which, run in runs.items()} == {
        ("aws", "2025-01"): "published",
        ("aws-carbon", "2024-12"): "published",
        ("aws-carbon", "2025-01"): "published",
    }
    assert sum(run["requests"] for which, run in runs.items() if which[0] == "aws-carbon") == PAGES
    assert account.emissions() == estimated(account.service.footprints)
    [(rows, cost)] = api.query("select count(*), sum(cost) from usage", account.org).rows
    assert (rows, cost) == (len(ROWS), totals_of(ROWS)[2])


def test_only_a_restated_month_is_published_again_and_its_history_says_so(account: Account) -> None:
    account.ingest()
    unchanged = account.states()

    account.service.publish(sample_footprints("2024-12", model_version="v3.1.0", seed=8))
    restated = account.states()

    assert set(unchanged.values()) == {"up_to_date"}
    assert [which for which, state in restated.items() if state == "published"] == [("aws-carbon", "2024-12")]
    assert account.emissions() == estimated(account.service.footprints)
    [month] = api.history("2024-12", account.org)
    assert [record.version_id.partition("-")[0] for record in month.versions] == ["v3.1.0", "v3.0.0"]
    [diff] = api.diff("2024-12", org_id=account.org)
    assert any("total lbm" in unit for group in diff.groups for unit in group.usage)
    assert [cell.cell for cell in api.status() if (cell.org_id, cell.period) == (account.org, "2024-12")] == [
        "restated"
    ]


def test_one_way_down_does_not_lose_the_other(account: Account) -> None:
    account.service.faults.append(refusal(403, "AccessDeniedException", "not allowed"))

    exit_code, runs = account.ingest()

    assert exit_code == 3
    assert runs["aws", "2025-01"]["state"] == "published"
    failed = runs["aws-carbon", None]
    assert failed["state"] == "failed"
    [error] = failed["errors"]
    assert error["error_class"] == "auth"
    assert "sustainability:GetEstimatedCarbonEmissions" in error["remedy"]


def test_a_throttled_api_is_asked_again_when_it_said(account: Account) -> None:
    account.service.faults.append(refusal(429, "ThrottlingException", "slow down", Retry_After="2"))
    asked = len(account.service.asked)

    exit_code, runs = account.ingest()

    assert exit_code == 0
    assert runs["aws-carbon", "2025-01"]["state"] == "published"
    assert len(account.service.asked) - asked == 1 + PAGES
    assert account.emissions() == estimated(account.service.footprints)


def test_a_month_that_is_not_estimated_yet_is_not_delivered_and_no_error(
    account: Account, remote: RemoteFolder
) -> None:
    configure(account.deployment, account.org, remote.url, end="2025-03")
    account.ingest()

    ended = account.deployment.cli("ingest", "--from", "2025-02", "--to", "2025-02", "--json")

    assert ended.returncode == 0
    states = {run["connector"]: run["state"] for run in json.loads(ended.stdout)["runs"]}
    assert states == {"aws": "not_delivered", "aws-carbon": "not_delivered"}
