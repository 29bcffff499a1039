"""Arrow says what S3 answered in a sentence: its code decides, as boto3's would."""

from __future__ import annotations

import pytest

from worker.adapters.s3_errors import translate_arrow
from worker.adapters.warehouse import disk_errors
from worker.domain.errors import AuthError, IngestError, NotFoundError, TransientError, UnknownError

PART = "s3://bucket/warehouse/part.parquet"


def said(answer: str) -> OSError:
    return OSError(f"When reading information for key 'warehouse/part.parquet' in bucket 'bucket': {answer}")


@pytest.mark.parametrize(
    ("answer", "kind", "remedy"),
    [
        ("AWS Error ACCESS_DENIED during HeadObject operation: No response body.", AuthError, "grant s3:GetObject on"),
        ("AWS Error ACCESS_DENIED during CreateMultipartUpload operation: Access Denied.", AuthError, "grant"),
        ("AWS Error SIGNATURE_DOES_NOT_MATCH during GetObject operation: no", AuthError, "secret"),
        ("AWS Error NO_SUCH_BUCKET during GetObject operation: no", NotFoundError, "OFFGRIDFLOW_WAREHOUSE"),
        ("AWS Error SLOW_DOWN during GetObject operation: Please reduce", TransientError, ""),
        ("AWS Error NETWORK_CONNECTION during HeadObject operation: curlCode: 7, refused", TransientError, "endpoint"),
        ("AWS Error UNKNOWN (HTTP status 503) during GetObject operation: no", TransientError, ""),
        ("AWS Error UNKNOWN (HTTP status 418) during GetObject operation: no", UnknownError, ""),
        ("something else", UnknownError, ""),
    ],
)
def test_the_code_of_the_answer_decides(answer: str, kind: type[IngestError], remedy: str) -> None:
    error = translate_arrow(said(answer), about=PART)

    assert type(error) is kind
    assert remedy in error.remedy
    assert PART in error.message


def test_it_is_met_wherever_files_are_read() -> None:
    with pytest.raises(AuthError), disk_errors(PART):
        raise said("AWS Error ACCESS_DENIED during HeadObject operation: No response body.")
