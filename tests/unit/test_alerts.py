"""Alerts and the dashboard: promtool understands them, and what they name exists."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from worker.adapters.metrics import METRICS, Kind

HOUSE = Path(__file__).parents[2]
PROMETHEUS = HOUSE / "deploy" / "prometheus"
DASHBOARD = HOUSE / "deploy" / "grafana" / "dashboard.json"
SUFFIXES = {Kind.COUNTER: ("",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries() -> list[str]:
    """What the dashboard asks Prometheus."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [t["expr"] for panel in panels for t in panel["targets"] if t["datasource"]["type"] == "prometheus"]


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:offgridflow|ingestion)_\w+", expression))


@pytest.fixture
def promtool() -> str:
    """Its program. A machine without it skips what needs it, unless it is one that must not."""
    found = shutil.which("promtool")
    if found is None and os.environ.get("CI") == "true":  # noqa: TID251  the machine says what it is
        pytest.fail("promtool is not installed: apt-get install prometheus")
    return found or pytest.skip("promtool is not installed")


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_finds_every_alert_as_it_should_be(promtool: str, arguments: tuple[str, ...]) -> None:
    ended = subprocess.run([promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_promtool_understands_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    asked = [query.replace("$__rate_interval", "5m") for query in queries()]
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(asked)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))

    ended = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_there_are_six_alerts_and_each_is_tried() -> None:
    names = {rule["alert"] for rule in rules()}
    tried = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]

    fired = {each["alertname"] for test in tried for each in test["alert_rule_test"] if each["exp_alerts"]}
    silent = {each["alertname"] for test in tried for each in test["alert_rule_test"] if not each["exp_alerts"]}

    assert len(names) == 6
    assert fired == silent == names


def test_every_metric_that_is_asked_for_is_one_of_ours() -> None:
    ours = {metric.name + suffix for metric in METRICS for suffix in SUFFIXES[metric.kind]}

    asked = set[str]().union(*map(metrics_in, (*queries(), *(rule["expr"] for rule in rules()))))

    assert asked <= ours


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (HOUSE / "docs" / "runbook.md").read_text(), re.MULTILINE)

    linked = [rule["annotations"]["runbook"] for rule in rules()]

    assert linked == [f"docs/runbook.md#{rule['alert'].lower()}" for rule in rules()]
    assert headings == [rule["alert"] for rule in rules()]
