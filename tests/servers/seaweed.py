"""A real S3 server for the session, SeaweedFS: it rejects wrong secrets, unknown keys and clocks that are off."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.valkey import DIE_WITH_PARENT
from tests.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BUCKET = "reports"
"""There from the start."""

GRPC_OFFSET = 10_000
"""Every listener opens a second port so far above its own."""


@dataclass(frozen=True, slots=True)
class Keys:
    """An identity that the server knows."""

    access_key: str
    secret_key: str

    def sign_in(self, environment: pytest.MonkeyPatch) -> None:
        """Make this the identity that boto3's own chain finds, and the only one."""
        environment.setenv("AWS_ACCESS_KEY_ID", self.access_key)
        environment.setenv("AWS_SECRET_ACCESS_KEY", self.secret_key)
        environment.setenv("AWS_CONFIG_FILE", os.devnull)
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
            environment.delenv(name, raising=False)


@dataclass(frozen=True)
class Seaweed:
    """The running server. ``owner`` may do everything, ``reader`` read objects but not list them."""

    port: int
    owner: Keys = Keys("OWNER0000000000000", "owner-secret")
    reader: Keys = Keys("READER000000000000", "reader-secret")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def client(self) -> S3Client:
        """The owner's, for arranging."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.owner.access_key,
            aws_secret_access_key=self.owner.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=16),
        )

    def identities(self) -> dict[str, object]:
        """The configuration that makes the server know its identities."""
        allowed = {self.owner: ["Admin", "Read", "Write", "List", "Tagging"], self.reader: ["Read"]}
        return {
            "identities": [
                {
                    "name": keys.access_key.lower(),
                    "credentials": [{"accessKey": keys.access_key, "secretKey": keys.secret_key}],
                    "actions": actions,
                }
                for keys, actions in allowed.items()
            ]
        }


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """The session's S3 server. What is written there stays: take `s3_folder` for a place of your own."""
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def s3_folder(seaweed: Seaweed) -> str:
    """The URL of a new, empty folder in the server's bucket. Making a bucket takes far longer."""
    return f"s3://{BUCKET}/{random.getrandbits(48):012x}"


@contextmanager
def running_seaweed(folder: Path) -> Iterator[Seaweed]:
    """A server with its data and its log in ``folder``; killed, and the folder removed, at the end."""
    master, volume, filer, admin, s3 = _free_ports(5)
    server = Seaweed(s3)
    (folder / "s3.json").write_text(json.dumps(server.identities()))
    options = {
        "dir": folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "master.port": master, "volume.port": volume,
        "filer.port": filer, "admin.port": admin, "admin.ui": "false", "webdav": "false", "master.telemetry": "false",
        "s3.port": s3, "s3.config": folder / "s3.json", "s3.iam": "false", "s3.port.iceberg": 0, "s3.port.lance": 0,
    }  # fmt: skip
    weed = Path(sysconfig.get_path("scripts"), "weed")
    command = [weed, "-logtostderr=true", "mini", *(f"-{name}={value}" for name, value in options.items())]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DIE_WITH_PARENT, *map(str, command)],
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "PATH": os.defpath},
            cwd=folder,
            start_new_session=True,
        )
    try:
        until(lambda: _accepts_objects(server, process))
        yield server
    finally:
        server.client.close()
        # Asked politely, it takes half a minute to stop.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder)


def _accepts_objects(server: Seaweed, process: subprocess.Popen[bytes]) -> bool:
    """An open port says little: the first calls may still fail inside."""
    assert process.poll() is None, "the server did not start: one of its ports may have been taken"
    try:
        server.client.create_bucket(Bucket=BUCKET)
        server.client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
    except (ClientError, BotoCoreError):
        return False
    return True


def _free_ports(count: int) -> list[int]:
    """Ports that are free, as is the one that each of them implies; below those that outgoing connections take."""
    candidates = random.sample(range(11_000, 22_000), k=20 * count)
    return [port for port in candidates if _is_free(port) and _is_free(port + GRPC_OFFSET)][:count]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
