"""From one listing: the manifests of a carbon emissions export, and of each month only those by AWS's newest model.

AWS keeps what older models estimated beside what the newest one does. They describe the same month, so all but one are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.domain.billing_period import BillingPeriod
from worker.domain.discovery import MANIFEST, FoundManifest, StoredObject

MODEL = re.compile(r"(?:carbon_)?model_version=(.*)", re.IGNORECASE)
MONTH = re.compile(r"usage_period=(2\d{3}-(?:0[1-9]|1[0-2]))", re.IGNORECASE)
SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?P<preview>-[^+]*)?(?:\+.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class ModelVersion:
    """A version as AWS counts them: v3.10.0 is newer than v3.9.0, and a preview older than what it previews."""

    numbers: tuple[int, ...] = ()
    is_release: bool = False

    @classmethod
    def parse(cls, text: str) -> ModelVersion:
        """What is no version is older than any."""
        found = SEMVER.fullmatch(text)
        return cls(tuple(int(each) for each in found.group(1, 2, 3)), not found["preview"]) if found else cls()


def find_carbon_manifests(listing: Iterable[StoredObject]) -> tuple[FoundManifest, ...]:
    """The manifests that `choose_report` and `newest_manifests` then choose from, as they do for usage."""
    found = [each for each in map(_recognise, listing) if each]
    newest: dict[tuple[str, BillingPeriod | None], ModelVersion] = {}
    for manifest, version in found:
        month = (manifest.report, manifest.period)
        newest[month] = max(version, newest.get(month, ModelVersion()))
    return tuple(manifest for manifest, version in found if newest[manifest.report, manifest.period] == version)


def _recognise(stored: StoredObject) -> tuple[FoundManifest, ModelVersion] | None:
    *folders, file = stored.key.split("/")
    name = MANIFEST.fullmatch(file)
    at = next((at for at, folder in enumerate(folders) if MONTH.fullmatch(folder)), None)
    if not name or at is None:
        return None
    models = [found[1] for folder in folders[:at] if (found := MODEL.fullmatch(folder))]
    path = [folder for folder in folders[:at] if not MODEL.fullmatch(folder)]
    if path and path[-1] == "metadata":
        path.pop()
    if name["name"] and (not path or path[-1] != name["name"]):
        path.append(name["name"])
    period = BillingPeriod.parse(folders[at].partition("=")[2])
    manifest = FoundManifest(stored, "/".join(path), period, is_copy=at < len(folders) - 1)
    return manifest, ModelVersion.parse(models[-1] if models else "")
