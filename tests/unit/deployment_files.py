"""The files that deployments are made of, as values."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]
KUBERNETES = HOUSE / "deploy" / "kubernetes"
CELERY = HOUSE / "worker" / "celeryconfig.py"
PROCESSES = ("control", "files", "beat", "listen", "flower")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Process:
    """One of the Procfile: the variables set before it, and its command as a container has it."""

    variables: dict[str, str]
    command: list[str]


def text(name: str) -> str:
    return (HOUSE / name).read_text(encoding="utf-8")


def compose() -> Document:
    found: Document = yaml.safe_load(text("docker-compose.yml"))
    return found


def services() -> dict[str, Document]:
    found: dict[str, Document] = compose()["services"]
    return found


def processes() -> dict[str, Process]:
    """Each of the Procfile. honcho's name for it, which a container needs no more, is its own."""
    found = {}
    for name, line in re.findall(r"^(\w+): (.+)$", text("Procfile"), re.MULTILINE):
        words = shlex.split(line.replace(f"${{HONCHO_PROCESS_NAME:-{name}}}", name))
        variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        found[name] = Process(variables, words[len(variables) :])
    return found


def manifests() -> dict[str, Document]:
    """Kubernetes' objects by kind and name, as ``Deployment/files``."""
    documents = (each for path in sorted(KUBERNETES.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text()))
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in documents if "metadata" in each}


def pods() -> dict[str, Document]:
    """The pod of each Deployment."""
    return {
        key.removeprefix("Deployment/"): each["spec"]["template"]["spec"]
        for key, each in manifests().items()
        if each["kind"] == "Deployment"
    }


def bytes_of(quantity: str) -> int:
    """Compose's ``2g`` and Kubernetes' ``2Gi``."""
    [(number, unit)] = re.findall(r"^(\d+)([kmg])i?$", quantity.lower())
    return int(number) << 10 * ("kmg".index(unit) + 1)


def option(command: list[str], name: str) -> str:
    """The value of a command's option."""
    return command[command.index(name) + 1]
