"""The page with its pictures, ready to be written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.cli.failure import Failure
from services.cli.output import remarks
from services.cli.report_page.figures import Figures
from services.cli.report_page.render import render


@dataclass(frozen=True)
class ReportPage:
    """What the page shows.

    Attributes:
        figures: Everything but the pictures.
        pictures: `data:` URIs by item id.
    """

    figures: Figures
    pictures: Mapping[str, str]

    def write(self, page: Path) -> None:
        """Writes the page, and beside it the figures as NAME.figures.json; makes the folder where it is missing.

        Says on stderr where it is.

        Raises:
            Failure: one of the two cannot be written.
        """
        beside = page.with_suffix(".figures.json")
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(render(self.figures, self.pictures), encoding="utf-8")
            beside.write_bytes(msgspec.json.format(msgspec.json.encode(self.figures), indent=1) + b"\n")
        except OSError as error:
            raise Failure(f"{error.filename or page} cannot be written: {error.strerror}.") from error
        remarks().print(
            f"The report page is {page}; its figures are in {beside.name} beside it.", soft_wrap=True, markup=False
        )
