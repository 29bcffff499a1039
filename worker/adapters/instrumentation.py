"""The traces of others' libraries: Celery's tasks and messages, and requests to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import Span, TracerProvider

S3_ATTRIBUTES = {"Bucket": "aws.s3.bucket", "Key": "aws.s3.key", "Prefix": "aws.s3.prefix"}


def instrument(traces: TracerProvider) -> None:
    """Trace this process' tasks, messages and requests. Its own metrics, and headers for AWS to trace us by, stay off."""
    celery: Any = CeleryInstrumentor
    botocore: Any = BotocoreInstrumentor
    celery().instrument(tracer_provider=traces, meter_provider=NoOpMeterProvider(), skip_dep_check=True)
    botocore().instrument(
        tracer_provider=traces,
        meter_provider=NoOpMeterProvider(),
        propagator=CompositePropagator([]),
        request_hook=_say_what,
        skip_dep_check=True,
    )


def _say_what(span: Span, service: str, _operation: str, parameters: Mapping[str, object]) -> None:
    """Which object a request to S3 is about; of no other service's parameters anything is said."""
    if service == "s3":
        for parameter, attribute in S3_ATTRIBUTES.items():
            if parameter in parameters:
                span.set_attribute(attribute, str(parameters[parameter]))
