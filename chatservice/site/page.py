"""The page's files."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent / "web"
"""Where the page's sources are."""
