from __future__ import annotations

import subprocess
import sys

import pytest

from worker.settings import exported_signals

EVERYWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
LOADED = """
import sys
from worker.bootstrap import telemetry
telemetry().emit("run.opened")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


@pytest.mark.parametrize(
    ("variables", "signals"),
    [
        ({}, set()),
        (EVERYWHERE, {"traces", "metrics", "logs"}),
        (EVERYWHERE | {"OTEL_LOGS_EXPORTER": "none"}, {"traces", "metrics"}),
        (EVERYWHERE | {"OTEL_SDK_DISABLED": "True"}, set()),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/v1/traces"}, {"traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, set()),
    ],
)
def test_what_has_an_endpoint_is_sent(
    variables: dict[str, str], signals: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert exported_signals() == signals


def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded() -> None:
    ended = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
