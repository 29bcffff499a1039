"""What the demo's container delivers is what its sources look for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.servers.environments import environment_in
from tests.servers.seaweed import BUCKET, Seaweed

DEMO = Path(__file__).parents[2] / "deploy" / "demo"


def test_every_source_of_the_demo_finds_a_manifest(seaweed: Seaweed, tmp_path: Path) -> None:
    sources = tomllib.loads((DEMO / "offgridflow.toml").read_text())["source"]
    environment = environment_in(tmp_path, "redis://nobody", seaweed.url, seaweed)

    subprocess.run([sys.executable, DEMO / "deliver.py"], env=environment, check=True)

    listed = seaweed.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    manifests = [f"s3://{BUCKET}/{each['Key']}" for each in listed if each["Key"].endswith("Manifest.json")]
    assert len(sources) == 2
    assert all(any(manifest.startswith(each["cur"]["url"]) for manifest in manifests) for each in sources)
