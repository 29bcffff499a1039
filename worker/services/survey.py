"""One source as it was found: what is delivered, and what is published of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.domain.billing_period import BillingPeriod
from worker.domain.carbon_discovery import find_carbon_manifests
from worker.domain.discovery import FoundManifest, StoredObject, choose_report, find_manifests, newest_manifests
from worker.domain.errors import NotFoundError
from worker.domain.manifest import Manifest, parse_manifest
from worker.domain.plan import CONVERTER_VERSION, Slot
from worker.domain.publication import PublicationRecord
from worker.domain.retry import WorthAnother
from worker.domain.source import CARBON, CUR, Source
from worker.domain.trigger import Trigger
from worker.ports.reports import ReportStore
from worker.services.world import World

FIRST_ESTIMATE = BillingPeriod(2022, 1)
"""AWS's estimates of emissions reach no further back."""

FINDERS = {CUR: find_manifests, CARBON: find_carbon_manifests}


@dataclass(frozen=True, slots=True)
class Survey:
    """A source's listing, and the current records of its org."""

    world: World
    source: Source
    trigger: Trigger
    worth_another: WorthAnother
    store: ReportStore
    listing: Mapping[str, StoredObject]
    records: Mapping[Slot, PublicationRecord]

    def manifests(self) -> tuple[FoundManifest, ...]:
        """The newest manifest of each month that was delivered. NotFoundError when AWS never delivered anything."""
        return delivered_manifests(self.source, self.listing)

    def covers(self, period: BillingPeriod) -> bool:
        """Whether the month is asked for and configured."""
        return self.trigger.covers(period) and self.source.covers(period)

    def record(self, period: BillingPeriod) -> PublicationRecord | None:
        """What is published for the month."""
        return self.records.get(Slot(self.source.org_id, self.source.name, self.source.kind, period))

    def published(self, found: FoundManifest) -> PublicationRecord | None:
        """What is published of this delivery's month; one that only its body tells is recognised by the manifest itself."""
        if found.period:
            return self.record(found.period)
        whose = (self.source.name, self.source.kind)
        mine = (each for each in self.records.values() if (each.slot.source_name, each.slot.source) == whose)
        this = (found.object.key, found.object.etag)
        return next((each for each in mine if (each.manifest_key, each.manifest_etag) == this), None)

    def is_current(self, record: PublicationRecord, found: FoundManifest) -> bool:
        """Whether publishing this delivery would change nothing."""
        same_input = record.manifest_etag == found.object.etag
        same_configuration = record.configuration_digest == self.source.configuration_digest
        good_enough = record.converter_version >= CONVERTER_VERSION or not self.trigger.reconvert
        return same_input and same_configuration and good_enough

    def again(self) -> Survey:
        """The source as it is now."""
        return replace(self, listing=_listing(self.store))

    def expected(self) -> tuple[BillingPeriod, ...]:
        """Months that should be there: those asked for by both ends; of estimates, the last month that is over."""
        start, end = self.trigger.start, self.trigger.end
        if not (start and end):
            if self.source.kind != CARBON:
                return ()
            end = BillingPeriod.at(self.world.clock.now())
            start = end.previous()
        return tuple(month for month in start.until(end) if self.covers(month))


def delivered_manifests(source: Source, listing: Mapping[str, StoredObject]) -> tuple[FoundManifest, ...]:
    """The newest manifest of each month, oldest month first. NotFoundError when AWS never delivered anything."""
    found = FINDERS[source.kind](listing.values())
    chosen = choose_report(found, source.report, str(source.location))
    if not chosen and not source.is_asked_for:
        remedy = "check the url; AWS writes a first delivery up to 24 hours after an export is made"
        raise NotFoundError(f"no report's manifest lies under {source.location}", "no_manifest", remedy)
    return newest_manifests(chosen)


def read_manifest(store: ReportStore, found: FoundManifest) -> tuple[Manifest, str]:
    """A manifest as it is now, and its ETag. NotFoundError when it is gone, BadRequestError when it is none."""
    read = store.read_manifest(found.object.key)
    if read is None:
        raise NotFoundError(f"manifest {found.object.key} is gone", "NoSuchKey", "look again when AWS has delivered")
    body, etag = read
    return parse_manifest(body, found.object.key, found.period, etag), etag


def survey(world: World, source: Source, trigger: Trigger, worth_another: WorthAnother) -> Survey:
    """List a source once, for all its months. What has to be asked for is asked for first."""
    if source.is_asked_for:
        _ask(world, source, trigger)
    store = world.stores(source)
    records = {record.slot: record for record in world.table.records(source.org_id)}
    return Survey(world, source, trigger, worth_another, store, _listing(store), records)


def _ask(world: World, source: Source, trigger: Trigger) -> None:
    """Have all months estimated anew each time: AWS restates any of them, and says nowhere which."""
    this_month = BillingPeriod.at(world.clock.now())
    start = max(filter(None, (FIRST_ESTIMATE, source.start, trigger.start)))
    end = min(filter(None, (this_month, source.end, trigger.end)))
    if start < end:
        world.estimates(source).deliver(start, end)


def _listing(store: ReportStore) -> dict[str, StoredObject]:
    return {each.key: each for each in store.list()}
