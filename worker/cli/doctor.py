"""The verb that examines: `doctor`."""

from __future__ import annotations

import json
from itertools import chain

import typer
from rich.text import Text

from worker import api
from worker.cli import output
from worker.cli.exits import Exit
from worker.cli.ingesting import Json, Name, Names, Org, Url, sources_of
from worker.domain.counting import counted
from worker.domain.diagnosis import Finding, Verdict, any_failed, failed, ok
from worker.domain.errors import BadRequestError
from worker.domain.source import Source

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(names: Names = None, url: Url = None, org: Org = None, name: Name = None, *, as_json: Json = False) -> None:
    """Examine all that an ingest needs: broker, catalog, warehouse, workers, and each source's permissions and export."""
    sources, configuration = _sources(names, url, org, name)
    with api.broker() as broker:
        findings = []
        for each in chain([configuration], api.doctor(broker, *sources)):
            findings.append(each)
            if not as_json:
                _show(each)
    if as_json:
        output.show_json({"findings": [_document(each) for each in findings], "well": not any_failed(findings)})
    if any_failed(findings):
        raise typer.Exit(Exit.EVERY_RUN_FAILED)


def _sources(
    names: list[str] | None, url: str | None, org: str | None, name: str | None
) -> tuple[tuple[Source, ...], Finding]:
    """Nothing asked for by name and no good file: the rest is examined all the same."""
    try:
        sources = sources_of(names, url, org, name)
    except BadRequestError as error:
        if names or url or org or name:
            raise
        return (), failed("configuration", error)
    return sources, ok("configuration", counted(len(sources), "source"))


def _document(each: Finding) -> dict[str, object]:
    return {
        "check": each.check,
        "source_name": each.source,
        "verdict": str(each.verdict),
        "said": each.said,
        "remedy": each.remedy,
        "policy": each.policy,
    }


def _show(each: Finding) -> None:
    about = f"{each.source}: " if each.source else ""
    verdict = (f"{each.verdict:<5}", STYLES[each.verdict])
    output.out.print(Text.assemble(verdict, f"{each.check:<15}{about}{each.said}"), soft_wrap=True)
    if each.remedy:
        output.out.print(Text(f"     → {each.remedy}"), soft_wrap=True)
    if each.policy:
        output.out.print(Text(f"       {json.dumps(each.policy)}", style="dim"), soft_wrap=True)
