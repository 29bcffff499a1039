"""What the files around the code promise each other."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]

APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the licence text as the Apache Software Foundation publishes it."""


def text(name: str) -> str:
    return (HOUSE / name).read_text(encoding="utf-8")


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(text("docker-compose.yml"))["services"]
    return found


def processes() -> dict[str, tuple[dict[str, str], list[str]]]:
    """Each process of the Procfile: the variables set before it, and its command."""
    found = {}
    for name, line in re.findall(r"^(\w+): (.+)$", text("Procfile"), re.MULTILINE):
        words = shlex.split(line)
        variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        found[name] = (variables, words[len(variables) :])
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


def test_containers_run_the_processes_of_the_procfile() -> None:
    in_containers = {name: shlex.split(service["command"]) for name, service in services().items() if name != "valkey"}

    assert in_containers == {name: command for name, (_, command) in processes().items()}


def test_the_four_processes_are_there_and_serve_both_queues() -> None:
    commands = {name: command for name, (_, command) in processes().items()}

    assert commands.keys() == {"control", "files", "beat", "flower"}
    assert {commands[name][commands[name].index("-Q") + 1] for name in ("control", "files")} == {"control", "files"}
    assert all(command[:3] == ["celery", "-A", "worker.app"] for command in commands.values())


def test_workers_get_their_variables_before_python_starts() -> None:
    wanted = {"POLARS_MAX_THREADS": "1", "REMAP_SIGTERM": "SIGQUIT"}

    image = dict(re.findall(r"(POLARS_MAX_THREADS|REMAP_SIGTERM)=(\w+)", text("Dockerfile")))

    assert processes()["control"][0] == processes()["files"][0] == image == wanted


def test_flower_shows_and_changes_nothing_and_only_on_this_machine() -> None:
    variables, command = processes()["flower"]

    assert "--read_only" in command
    assert variables["FLOWER_ADDRESS"] == "127.0.0.1"
    assert services()["flower"]["ports"] == ["127.0.0.1:5555:5555"]


def test_there_is_one_beat_and_any_number_of_file_workers() -> None:
    composed = services()

    assert "container_name" in composed["beat"]
    assert composed["files"].keys().isdisjoint({"container_name", "ports"})


def test_the_broker_keeps_what_it_is_given() -> None:
    command = services()["valkey"]["command"]

    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_every_container_is_watched_and_has_time_to_stop() -> None:
    for name, service in services().items():
        assert service["healthcheck"]["test"], name
        assert name == "valkey" or service["stop_grace_period"] == "45s"


def test_make_does_what_the_readme_says_and_helps_by_default() -> None:
    named = re.findall(r"(?:^\s*|`|&& )make ([a-z]+)", text("README.md"), re.MULTILINE)

    assert make_targets() >= {"help", "demo", "test", "lint", "format", "clean", *named}
    assert ".DEFAULT_GOAL := help" in text("Makefile")


def test_ci_runs_what_people_run() -> None:
    script = HOUSE / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert set(re.findall(r"^run make (\w+)", script.read_text(), re.MULTILINE)) >= {"lint", "test"}


def test_the_licence_is_apache_2() -> None:
    assert hashlib.sha256((HOUSE / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert 'license = "Apache-2.0"' in text("pyproject.toml")
