"""What the demo's container delivers is what its sources look for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.servers.environments import environment_in
from tests.servers.seaweed import BUCKET, Seaweed
from worker.domain.source import Location

DEMO = Path(__file__).parents[2] / "deploy" / "demo"


def test_every_source_of_the_demo_finds_a_manifest(seaweed: Seaweed, tmp_path: Path) -> None:
    sources = tomllib.loads((DEMO / "offgridflow.toml").read_text())["source"]
    environment = environment_in(tmp_path, "redis://nobody", seaweed.url, seaweed)

    subprocess.run([sys.executable, DEMO / "deliver.py"], env=environment, check=True)

    places = [Location.parse(each["cur"]["url"]) for each in sources]
    listed = [seaweed.client.list_objects_v2(Bucket=each.bucket, Prefix=each.prefix)["Contents"] for each in places]
    assert [each.bucket for each in places] == [BUCKET, BUCKET]
    assert all(any(each["Key"].endswith("Manifest.json") for each in below) for below in listed)
