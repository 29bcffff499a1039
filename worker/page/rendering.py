"""Pages as HTML. Whatever the facts say is text: nothing of them is ever markup."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from worker.domain.counting import counted
from worker.domain.report import plain
from worker.page import paths
from worker.page.grid import look_of

THOUSANDTH = Decimal("0.001")
CENT = Decimal("0.01")


def render(template: str, path: str, **shown: object) -> str:
    """The page of this template at this path, from which its links lead to others."""
    return _environment().get_template(template).render(root="../" * path.count("/"), here=path, **shown)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("worker.page"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(paths=paths, look_of=look_of)
    made.filters.update(
        plain=plain,
        whole=_whole,
        counted=counted,
        money=_money,
        rounded=_rounded,
        instant=_instant,
        megabytes=_megabytes,
    )
    return made


def _whole(number: int) -> str:
    return f"{number:,}"


def _money(amount: Decimal) -> str:
    """Two decimals, or that there is less."""
    return _at_most(amount, CENT)


def _rounded(amount: Decimal) -> str:
    """Three decimals at most. The exact figure is what the attribute beside it says."""
    text = _at_most(amount, THOUSANDTH)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _at_most(amount: Decimal, step: Decimal) -> str:
    if 0 < abs(amount) < step:
        return f"{'-' if amount < 0 else ''}<{step}"
    return f"{amount:,.{-int(step.as_tuple().exponent)}f}"


def _instant(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"
