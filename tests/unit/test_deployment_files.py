"""What the Procfile, the compose file, the Kubernetes manifests, the Dockerfile and the settings promise each other."""

from __future__ import annotations

import re
import shlex

import pytest
import yaml

from tests.unit.deployment_files import (
    CELERY,
    KUBERNETES,
    PROCESSES,
    compose,
    manifests,
    option,
    pods,
    processes,
    services,
    text,
)
from worker.settings import PREFIX, Settings

FILES = (
    "Procfile",
    "Dockerfile",
    "docker-compose.yml",
    "deploy/env.example",
    "deploy/demo/env",
    *(f"deploy/kubernetes/{path.name}" for path in sorted(KUBERNETES.iterdir())),
)


def queues() -> set[str]:
    [names] = re.findall(r"for name in \((.+)\)\)", CELERY.read_text())
    return set(re.findall(r'"(\w+)"', names))


def served(commands: list[list[str]]) -> list[str]:
    return [queue for command in commands if "-Q" in command for queue in option(command, "-Q").split(",")]


def test_containers_run_the_processes_of_the_procfile() -> None:
    composed = {name: shlex.split(services()[name]["command"]) for name in PROCESSES}

    assert composed == {name: process.command for name, process in processes().items()}


def test_pods_run_the_processes_of_the_procfile() -> None:
    found = {name: pod["containers"][0]["args"] for name, pod in pods().items()}

    assert found == {name: process.command for name, process in processes().items() if name != "listen"}


def test_every_queue_has_one_kind_of_worker_that_takes_it_and_a_backfills_come_last() -> None:
    commands = [process.command for process in processes().values()]

    assert sorted(served(commands)) == sorted(queues())
    assert served([processes()["files"].command]) == ["files", "backfill"]


@pytest.mark.parametrize("name", FILES)
def test_every_variable_of_ours_is_a_setting(name: str) -> None:
    known = {PREFIX + field.upper() for field in Settings.model_fields}

    used = set(re.findall(rf"{PREFIX}[A-Z0-9_]+", text(name)))

    assert used <= known


def test_every_variable_that_compose_needs_is_in_both_environments() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", text("docker-compose.yml")))

    for name in ("deploy/env.example", "deploy/demo/env"):
        assert needed <= set(re.findall(r"^(\w+)=", text(name), re.MULTILINE)), name


def test_whoever_is_waited_for_until_healthy_has_a_healthcheck() -> None:
    composed = services()
    waited = {
        other
        for service in composed.values()
        for other, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_healthy"
    }

    assert waited == {"valkey", "postgres", "s3"}
    assert all("healthcheck" in composed[name] for name in waited)


def test_workers_get_their_variables_before_python_starts() -> None:
    wanted = {"POLARS_MAX_THREADS": "1", "REMAP_SIGTERM": "SIGQUIT"}

    image = dict(re.findall(r"(POLARS_MAX_THREADS|REMAP_SIGTERM)=(\w+)", text("Dockerfile")))

    assert processes()["control"].variables == processes()["files"].variables == image == wanted


def test_there_is_one_beat_and_any_number_of_file_workers() -> None:
    composed, beat = services(), manifests()["Deployment/beat"]["spec"]

    assert "container_name" in composed["beat"]
    assert composed["files"].keys().isdisjoint({"container_name", "ports"})
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})


def test_the_broker_keeps_what_it_is_given_and_knows_whom_it_may_give_it_to() -> None:
    command = services()["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    users = compose()["configs"]["users"]["content"]

    [documented] = re.findall(r"^user offgridflow on >PASSWORD (.+)$", text("docs/secure.md"), re.MULTILINE)

    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--aclfile"] == services()["valkey"]["configs"][0]["target"]
    assert documented in users
    assert "user default off" in users


def test_the_image_is_built_with_the_uv_of_the_makefile() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)", text("Makefile"), re.MULTILINE)

    assert f"uv=={version}" in text("Dockerfile")


def test_a_kustomization_has_every_manifest_and_generates_what_pods_refer_to() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    named = {each["name"] for each in kustomization["configMapGenerator"]}

    referred = set(
        re.findall(r"configMap(?:Ref)?: \{name: ([\w-]+)\}", "".join(map(str, map(read, kustomization["resources"]))))
    )

    assert set(kustomization["resources"]) == {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert referred == named


def read(name: str) -> str:
    return (KUBERNETES / name).read_text()
