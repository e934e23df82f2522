"""The page's files, and how they are served."""

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.tabs import read_cookie
from chatservice.site.channel import HEADERS
from chatservice.site.files import FOLDER, TYPES, Files
from chatservice.site.resources import takes_gzip
from tests.fakes import quick
from tests.site.fakes import Web

_LINKED = re.compile(r'(?:src|href)="([^"#]+)"')


class Folders(SynchronousTestCase):
    """What is read at start."""

    def folder(self, **files: str) -> Path:
        """Return a folder with files; _ stands for a dot, __ for a slash."""
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        folder = Path(kept.name)
        for name, text in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return folder

    def test_the_page_names_its_files_in_full(self) -> None:
        """And leaves alone what is no file of ours."""
        folder = self.folder(
            index_html='<link href="a.css"><script src="js/b.js"></script><a href="/x">',
            a_css="a",
            js__b_js="b",
        )
        files = Files(folder)
        self.assertEqual(
            files.index.content.decode(),
            f'<link href="/static/{files.version}/a.css">'
            f'<script src="/static/{files.version}/js/b.js"></script><a href="/x">',
        )

    def test_another_content_has_another_name(self) -> None:
        """Whichever file has changed, and what is only moved between them, too."""
        versions = {
            Files(self.folder(index_html="", a_js=one, b_js=other)).version
            for one, other in (("a", "b"), ("a", "c"), ("ab", ""), ("", "ab"), ("a", "b"))
        }
        self.assertEqual(len(versions), 4)

    def test_only_kinds_that_are_known_are_read(self) -> None:
        """No editor's leavings."""
        files = Files(self.folder(index_html="", a_js="", a_js_bak="", a_py="", _x_js=""))
        self.assertEqual(list(files.others), ["a.js"])

    def test_what_does_not_get_shorter_is_not_compressed(self) -> None:
        """A short file, for instance."""
        files = Files(self.folder(index_html="", a_js="a", b_js="b" * 1000))
        self.assertEqual(files.others["a.js"].zipped, b"")
        self.assertLess(len(files.others["b.js"].zipped), 100)


class Page(SynchronousTestCase):
    """The page as it is."""

    def setUp(self) -> None:
        """Open a web server."""
        self.web = Web()

    def test_all_that_the_page_names_is_there(self) -> None:
        """And nothing of it comes from elsewhere."""
        page = self.web.get("/").text
        for link in _LINKED.findall(page):
            self.assertTrue(link.startswith("/static/"), link)
            self.assertEqual(self.web.get(link).status, 200, link)

    def test_all_sources_are_served(self) -> None:
        """With a type each, and to be kept for ever."""
        version = Files().version
        for path in FOLDER.rglob("*"):
            if path.is_dir() or path.name == "index.html":
                continue
            name = path.relative_to(FOLDER).as_posix()
            got = self.web.get(f"/static/{version}/{name}", Accept_Encoding="gzip")
            self.assertEqual(got.status, 200, name)
            self.assertEqual(got.header("Content-Type").encode(), TYPES[path.suffix])
            self.assertEqual(got.header("Cache-Control"), "public, max-age=31536000, immutable")
            self.assertEqual(got.header("Set-Cookie"), "")
            if path.suffix in (".js", ".css"):
                self.assertEqual(got.text, path.read_text("utf-8"))

    def test_the_page_is_asked_for_each_time(self) -> None:
        """But sent only if it is another."""
        got = self.web.get("/")
        self.assertEqual(got.header("Cache-Control"), "private, no-cache")
        self.assertEqual(got.header("Content-Type"), "text/html; charset=utf-8")
        again = self.web.get("/", If_None_Match=got.header("ETag"))
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(self.web.get("/", If_None_Match='"other"').status, 200)

    def test_head_gives_the_same_without_the_body(self) -> None:
        """The length included."""
        got = self.web.connect().ask("/", "HEAD")
        self.assertEqual(got.body, b"")
        self.assertEqual(int(got.header("Content-Length")), len(self.web.get("/").body))

    def test_each_answer_has_the_headers_that_protect(self) -> None:
        """Errors and what is not changed included; none names the program."""
        for path in ("/", "/healthz", "/nothing", "/ws", "/rooms/x", "/static/"):
            for method in ("GET", "HEAD", "POST", "OPTIONS", "BREW"):
                got = self.web.connect().ask(path, method)
                for name, value in HEADERS.items():
                    if (name, path) != (b"Content-Security-Policy", "/"):
                        self.assertEqual(got.header(name.decode()), value.decode(), path)
                self.assertEqual(got.header("Server"), "")
                self.assertNotIn("unsafe", got.header("Content-Security-Policy"))
                self.assertNotIn("<", "" if path == "/" else got.text)

    def test_the_policy_names_the_websockets_host(self) -> None:
        """For Safari; never what is no host, which could say more."""
        got = self.web.get("/").header("Content-Security-Policy")
        self.assertIn("connect-src 'self' ws://chat.example wss://chat.example;", got)
        self.assertIn("default-src 'none'", got)
        for host in ("a; script-src *", "a b", "[::1]:80", "", "a:b", "*"):
            browser = self.web.connect()
            browser.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            (answer,) = browser.answers()
            policy = HEADERS[b"Content-Security-Policy"].decode()
            self.assertEqual(answer.header("Content-Security-Policy"), policy, host)

    def test_the_cookie(self) -> None:
        """A browser keeps the one it has, and is given another for what is none."""
        got = self.web.get("/").header("Set-Cookie")
        pair, *attributes = got.split("; ")
        self.assertEqual(attributes, ["Max-Age=2592000", "Path=/", "HttpOnly", "SameSite=Lax"])
        self.assertTrue(read_cookie(pair))
        self.assertEqual(self.web.get("/", Cookie=pair).header("Set-Cookie"), got)
        for bad in ("chat=x", "chat=", f"{pair}; {pair}", "chat=\xff", "other=1"):
            new = self.web.get("/", Cookie=bad).header("Set-Cookie").partition("; ")[0]
            self.assertTrue(read_cookie(new), bad)
            self.assertNotEqual(new, pair)

    def test_nothing_else_is_there(self) -> None:
        """No path leads out, however it is written."""
        version = Files().version
        for path in (
            *("/index.html", "/static", "/static/", f"/static/{version}", f"/static/{version}/"),
            *("/static/x/chat.js", "/%2e%2e/etc/passwd", f"/static/{version}/../../setup.cfg"),
            *(f"/static/{version}/..%2f..%2fsetup.cfg", "/.", "/..", "//", "/ws/x", "/healthz/x"),
            *("/web/index.html", "/static/%00", "/?/../x/y", "*", f"/static/{version}//"),
        ):
            status = self.web.get(path).status
            wanted = 200 if path.startswith("/?") else 405 if path == "*" else 404
            self.assertEqual(status, wanted, path)

    @quick
    @given(st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40))
    def test_whatever_is_asked_for_the_answer_is_one_of_ours(self, path: str) -> None:
        """And a request can follow."""
        browser = self.web.connect()
        browser.send(b"GET /" + path.encode("latin-1") + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        (answer,) = browser.answers()
        self.assertIn(answer.status, (200, 400, 404, 426))

    def test_who_takes_gzip(self) -> None:
        """RFC 9110, 12.5.3."""
        for accepted, taken in {
            b"gzip": True,
            b"deflate, GZIP;q=0.5, br": True,
            b"*": True,
            b"gzip;q=1.0": True,
            b"gzip; q=0": False,
            b"gzip;q=0.000, *": True,
            b"gzip;q=0.0": False,
            b"": False,
            b"br": False,
            b"x-gzip": False,
            b"gzipped": False,
        }.items():
            self.assertEqual(takes_gzip(accepted), taken, accepted)
