"""JSON for the frozen values that cross a wire or rest on a disk: plans, outcomes, reports, triggers, records.

An amount is a string with all its digits, an instant ISO 8601, a billing period its year and month. Reading is strict: a
field that is missing, of another type or unknown is an error, never a guess.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from worker.domain.errors import FatalError, IngestError

T = TypeVar("T")


class _Adapters(dict[type[Any], TypeAdapter[Any]]):
    """One for each type, built when first asked for: building one takes milliseconds."""

    def __missing__(self, kind: type[Any]) -> TypeAdapter[Any]:
        return self.setdefault(kind, TypeAdapter(kind))


_ADAPTERS = _Adapters()


def dump(value: object) -> bytes:
    """The value as compact JSON. A set's elements come in no particular order; everything else in the order it has."""
    return _ADAPTERS[type(value)].dump_json(value)


def load(kind: type[T], data: bytes | str) -> T:
    """What `dump` made of a ``kind``. FatalError naming the first field that cannot be read; it never quotes the data."""
    try:
        value: T = _ADAPTERS[kind].validate_json(data, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _unreadable(kind, first["loc"], first["msg"]) from error
    except IngestError as error:
        # A value that refuses itself, such as a thirteenth month.
        raise _unreadable(kind, (), error.message) from error
    return value


def _unreadable(kind: type[Any], where: tuple[int | str, ...], why: str) -> FatalError:
    name = ".".join((kind.__name__, *map(str, where)))
    remedy = "if another version of the workers wrote it, let that version read it"
    return FatalError(f"{name} cannot be read: {why}", "unreadable", remedy)
