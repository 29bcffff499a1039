"""Time, memory and rights that containers have: enough for what the processes do, and no more."""

from __future__ import annotations

import re

import pytest

from tests.unit.deployment_files import (
    CELERY,
    PROCESSES,
    bytes_of,
    manifests,
    option,
    pods,
    processes,
    services,
    text,
)

PARENT_BYTES = 256 * 2**20
"""What a worker's parent needs, generously."""


def configured(name: str) -> int:
    """A number of celeryconfig, read and not imported: it wants a broker."""
    [value] = re.findall(rf"^{name} = ([\d* ]+)", CELERY.read_text(), re.MULTILINE)
    number = 1
    for factor in value.split("*"):
        number *= int(factor)
    return number


def test_every_process_is_watched_by_a_file_or_by_its_own_page() -> None:
    composed = services()

    for name in ("control", "files", "beat", "listen"):
        assert "OFFGRIDFLOW_HEARTBEAT_FILE" in composed[name]["healthcheck"]["test"][1]
    for name in ("control", "files", "beat"):
        [container] = pods()[name]["containers"]
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["exec"]["command"][2] == composed[name]["healthcheck"]["test"][1].replace("$$", "$")
    assert "/healthcheck" in str(composed["flower"]["healthcheck"]["test"])
    assert pods()["flower"]["containers"][0]["livenessProbe"]["httpGet"]["path"] == "/healthcheck"


def test_a_beat_may_wait_for_the_lock_of_one_that_was_killed_before_it_counts_as_dead() -> None:
    lock = configured("redbeat_lock_timeout")
    probe = pods()["beat"]["containers"][0]["startupProbe"]

    assert int(services()["beat"]["healthcheck"]["start_period"].removesuffix("s")) > lock
    assert probe["periodSeconds"] * probe["failureThreshold"] > lock


def test_whoever_is_stopped_has_the_time_for_it() -> None:
    needed = configured("worker_soft_shutdown_timeout") + 10

    for name in PROCESSES:
        assert int(services()[name]["stop_grace_period"].removesuffix("s")) >= needed
    for name in ("control", "files", "beat"):
        assert pods()[name]["terminationGracePeriodSeconds"] >= needed


@pytest.mark.parametrize("name", ["control", "files"])
def test_memory_is_enough_for_children_that_are_as_big_as_they_may_be(name: str) -> None:
    command = processes()[name].command
    needed = int(option(command, "-c")) * configured("worker_max_memory_per_child") * 1024 + PARENT_BYTES

    limits = pods()[name]["containers"][0]["resources"]["limits"]

    assert bytes_of(services()[name]["mem_limit"]) >= needed
    assert bytes_of(limits["memory"]) >= needed


def test_flower_shows_and_changes_nothing_and_only_on_this_machine() -> None:
    process, service = processes()["flower"], services()["flower"]

    assert "--read_only" in process.command
    assert process.variables["FLOWER_ADDRESS"] == "127.0.0.1"
    assert service["ports"] == ["127.0.0.1:5555:5555"]
    assert ":?" in service["environment"]["FLOWER_BASIC_AUTH"]
    assert "env_file" not in service
    assert manifests()["Service/flower"]["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_nothing_of_ours_runs_as_root_or_writes_where_it_was_not_told_to() -> None:
    for name in PROCESSES:
        service = services()[name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
    for pod in pods().values():
        [container] = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert re.search(r"^USER 10001$", text("Dockerfile"), re.MULTILINE)


def test_what_the_image_writes_to_is_mounted_everywhere() -> None:
    folders = set(re.findall(r"OFFGRIDFLOW_(?:HOME|SPOOL_DIR)=(\S+)", text("Dockerfile")))

    assert len(folders) == 2
    for name in ("control", "files", "beat"):
        assert folders <= {each["mountPath"] for each in pods()[name]["containers"][0]["volumeMounts"]}
        mounted = {str(each).split(":")[1] for each in services()[name]["volumes"] if isinstance(each, str)}
        assert folders <= mounted
