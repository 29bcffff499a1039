"""An AWS account for the session, moto's: IAM policies, a role's trust and its ExternalId are enforced, signatures checked.

Where it is too kind: a role that wants an ExternalId can be assumed without any.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest

from tests.servers.seaweed import Keys
from tests.servers.valkey import DIE_WITH_PARENT
from tests.waiting import until

ROLE = "arn:aws:iam::123456789012:role/reports"
EXTERNAL_ID = "tenant-7"
BUCKET = "reports"


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """The running account. ``member`` may assume `ROLE` with `EXTERNAL_ID`; ``stranger`` is known, and may do nothing.

    The role may list `BUCKET`, and read nothing in it.
    """

    url: str
    member: Keys
    stranger: Keys


@pytest.fixture(scope="session")
def aws_account() -> Iterator[AwsAccount]:
    """The session's account. Nothing in it changes."""
    with _running_moto() as url:
        keys = {name: _user(url, name) for name in ("member", "stranger")}
        _role(url)
        # From here on nothing is allowed but what was allowed above.
        enforce = Request(f"{url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        urlopen(enforce).close()
        yield AwsAccount(url, **keys)


@contextmanager
def _running_moto() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    moto = Path(sysconfig.get_path("scripts"), "moto_server")
    process = subprocess.Popen(
        [sys.executable, "-c", DIE_WITH_PARENT, str(moto), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
    )
    try:
        until(lambda: _listens(port, process))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "moto did not start: its port may have been taken"
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _user(url: str, name: str) -> Keys:
    with closing(_session().client("iam", endpoint_url=url)) as iam:
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        if name == "member":
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_allow("sts:AssumeRole", ROLE))
    return Keys(key["AccessKeyId"], key["SecretAccessKey"])


def _role(url: str) -> None:
    trusted: dict[str, object] = {
        "Principal": {"AWS": "arn:aws:iam::123456789012:user/member"},
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }
    with closing(_session().client("iam", endpoint_url=url)) as iam:
        iam.create_role(RoleName="reports", AssumeRolePolicyDocument=_allow("sts:AssumeRole", trusted))
        listing = _allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}")
        iam.put_role_policy(RoleName="reports", PolicyName="p", PolicyDocument=listing)
    with closing(_session().client("s3", endpoint_url=url)) as s3:
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="cur/a.csv", Body=b"rows")


def _session() -> boto3.session.Session:
    return boto3.session.Session("root", "root-secret", region_name="us-east-1")


def _allow(action: str, on: str | dict[str, object]) -> str:
    """A policy: on a resource, or for whom and when."""
    statement = {"Effect": "Allow", "Action": action, **({"Resource": on} if isinstance(on, str) else on)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
