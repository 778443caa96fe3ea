"""The report as one HTML file to print and to file away: nothing is loaded from anywhere, nothing runs in it."""

from pathlib import Path

import jinja2

from govchat.kit.clock import VN
from govchat.rehearsal.report import Report, Step, faults
from govchat.rehearsal.terminal import ALOUD, OUTCOMES, seconds, totals

PAGES = Path(__file__).parent / "pages"


def paper(report: Report) -> str:
    """The whole document; every value is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["seconds"] = seconds
    environment.globals.update(faults=faults, outcomes=OUTCOMES)
    template = environment.from_string((PAGES / "report.html").read_text(encoding="utf-8"))
    return template.render(
        report=report,
        style=(PAGES / "report.css").read_text(encoding="utf-8"),
        at=f"{report.started_at.astimezone(VN):%H:%M ngày %d/%m/%Y}",
        aloud=ALOUD.format(stands_on=report.stands_on.replace("`", "")),
        totals=totals(report),
        shares=_shares(report.steps),
    )


def _shares(steps: list[Step]) -> dict[str, int]:
    """How much of the slowest step each took, in percent: the length of its bar."""
    longest = max((step.seconds for step in steps), default=0.0) or 1.0
    return {step.key: max(1, round(step.seconds / longest * 100)) for step in steps}
