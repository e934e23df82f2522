"""The page's sources: what may be in them, and what not. A browser tests what they do."""

import gzip
import re
from itertools import chain
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from chatservice.site.files import FOLDER

MOST_BYTES: Final = 60_000
"""What the whole page may weigh on its way, compressed as the site does it."""

MOST_SOURCE: Final = 86_000
"""What its sources may weigh as they stand: little enough to be read in an hour."""

MOST_LINES: Final = 300
"""What one module may have: one reason to change each."""

_IMPORT: Final = re.compile(r'\bimport\s[^;]*?"([^"]+)"|\bimport\(\s*"([^"]+)"')
_LINKED: Final = re.compile(r'(?:src|href)="([^"#]+)"')
_MARKUP: Final = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|createContextualFragment"
    r"|DOMParser|srcdoc|\beval\b|new Function|javascript:"
)
_INLINE: Final = re.compile(r"<[^>]*\s(?:style|on[a-z]+)\s*=|<style|<script(?![^>]*\ssrc=)")
_ELSEWHERE: Final = re.compile(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}|\burl\(|@import""")
_NAMESPACE: Final = "http://www.w3.org/2000/svg"


def sources(*suffixes: str) -> dict[str, str]:
    """Return the page's files of some kinds, by name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.iterdir())
        if path.suffix in suffixes
    }


class Sources(SynchronousTestCase):
    """The page as it stands in its folder."""

    def test_light(self) -> None:
        """All of it together is light, as it is sent and as it stands."""
        files = [path.read_bytes() for path in FOLDER.iterdir()]
        self.assertGreater(len(files), 10)
        self.assertLess(sum(len(gzip.compress(file, 9)) for file in files), MOST_BYTES)
        self.assertLess(sum(map(len, files)), MOST_SOURCE)

    def test_small_modules(self) -> None:
        """No module does everything."""
        long = [name for name, text in sources(".js").items() if text.count("\n") > MOST_LINES]
        self.assertEqual(long, [])

    def test_text_stays_text(self) -> None:
        """No script makes markup or code out of text."""
        found = {name: _MARKUP.findall(text) for name, text in sources(".js").items()}
        self.assertEqual({name: what for name, what in found.items() if what}, {})

    def test_nothing_inline(self) -> None:
        """Neither style nor script stands in the markup: the policy would refuse it."""
        for name, text in sources(".html", ".svg").items():
            self.assertEqual(_INLINE.findall(text), [], name)

    def test_nothing_from_elsewhere(self) -> None:
        """No file is from another server."""
        for name, text in sources(".html", ".css", ".js", ".svg").items():
            self.assertEqual(_ELSEWHERE.findall(text.replace(_NAMESPACE, "")), [], name)

    def test_imports(self) -> None:
        """Every module that is imported is there, and every one that is there is used."""
        modules = sources(".js")
        imported = {
            one or other for text in modules.values() for one, other in _IMPORT.findall(text)
        }
        self.assertEqual({f"./{name}" for name in modules} - {"./main.js"}, imported)

    def test_links(self) -> None:
        """Every file that the page names is there."""
        named = set(chain.from_iterable(map(_LINKED.findall, sources(".html").values())))
        self.assertEqual({name for name in named if not (FOLDER / name).is_file()}, set())
        self.assertIn("main.js", named)

    def test_elements(self) -> None:
        """Every element that a module looks for is in the page, once."""
        page = sources(".html")["index.html"]
        ids = re.findall(r'\sid="([^"]+)"', page)
        self.assertEqual(len(ids), len(set(ids)))
        wanted = {
            name
            for text in sources(".js").values()
            for name in re.findall(r'\bat\("([^"]+)"\)', text)
        }
        self.assertEqual(wanted - set(ids), set())
