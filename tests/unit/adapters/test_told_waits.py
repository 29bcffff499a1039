from __future__ import annotations

from tests.fakes.telemetry import FakeTelemetry
from worker.adapters.told_waits import told_wait


def test_a_wait_is_told_inside_its_span() -> None:
    telemetry = FakeTelemetry()

    told_wait(telemetry, "s3")(0.01)

    assert telemetry.of("rate limiting applied") == [{"family": "s3", "wait_ms": 10}]
    assert [span.name for span in telemetry.spans] == ["aws.rate_wait"]
