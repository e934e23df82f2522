"""Puts the tables into docs/performance.md, between its markers.

Knows the document. Must not know how a table is made.
"""

from pathlib import Path

from benchmarks.comparison import comparison
from benchmarks.report import Measured, about, fill, tables
from benchmarks.scenarios import SECTIONS


def everything(measured: Measured) -> dict[str, str]:
    """Return the text of each section that was run, by name."""
    found = {section.name: tables(section, measured.runs) for section in SECTIONS}
    found["comparison"] = comparison(measured.runs)
    return {"about": about(measured), **{name: text for name, text in found.items() if text}}


def write(path: Path, measured: Measured) -> None:
    """Write the tables into a document.

    :raises SystemExit: if it has no markers for one of them.
    """
    text = path.read_text("utf-8")
    for name, content in everything(measured).items():
        try:
            text = fill(text, name, content)
        except ValueError as error:
            raise SystemExit(f"{path}: {error}") from None
    path.write_text(text, "utf-8")
