"""What of a typed line is a password, and how a program is given its own."""

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.options import parse
from chatservice.client.secret import LONGEST, VARIABLE, given, in_answer, in_line


class Lines(SynchronousTestCase):
    """Where a password begins."""

    def test_in_a_typed_line(self) -> None:
        """A table: | stands before it."""
        for line in (
            *("/login |secret", "/login |alice two words", "/LOGIN   |x", "/register |x"),
            *("/password |old new", "/password |old -> new", "/nick alice |secret"),
        ):
            self.assertEqual(in_line(line.replace("|", "")), line.index("|"), line)
        for line in (
            *("", "hi", "/login", "/login ", "/logins x", "login x", " /login x", "//login x"),
            *("/nick alice", "/nick alice ", "/me /login x", "/help login"),
        ):
            self.assertIsNone(in_line(line), line)

    def test_in_an_answer_to_nick(self) -> None:
        for line in ("alice |secret", " alice  |two words"):
            self.assertEqual(in_answer(line.replace("|", "")), line.index("|"), line)
        for line in ("", "alice", "alice "):
            self.assertIsNone(in_answer(line), line)


class Given(SynchronousTestCase):
    """Where a program's own password comes from."""

    def file(self, content: bytes, mode: int = 0o600) -> str:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = Path(directory.name) / "password"
        path.write_bytes(content)
        path.chmod(mode)
        return str(path)

    def test_it_is_the_first_line_of_a_file_or_in_the_environment(self) -> None:
        """Of which it is taken out, for other programs' sake; the file comes first."""
        for content in (b"a secret", b"a secret\n", b"a secret\r\nnot this\n"):
            self.assertEqual(given(self.file(content), {}), "a secret")
        environment = {VARIABLE: "another", "HOME": "/"}
        self.assertEqual(given(None, environment), "another")
        self.assertEqual(environment, {"HOME": "/"})
        self.assertEqual(given(None, environment), "")
        self.assertEqual(given(self.file(b"a secret"), {VARIABLE: "another"}), "a secret")

    def test_a_file_that_others_may_read_is_refused(self) -> None:
        for mode in (0o640, 0o604, 0o644, 0o660):
            path = self.file(b"a secret", mode)
            error = self.assertRaises(ValueError, given, path, {})
            self.assertIn(f"others may read {path}", str(error))
            self.assertNotIn("a secret", str(error))

    def test_what_cannot_be_one_is_refused_and_not_shown(self) -> None:
        for content in (b"", b"\n", b"  \n", b"x" * (LONGEST + 1), b"a\x1bxyzzy", b"xyzzy\xff"):
            error = self.assertRaises(ValueError, given, self.file(content), {})
            self.assertNotIn("xyzzy", str(error))
        for text in ("a\nxyzzy", "a\x07xyzzy", " "):
            self.assertRaises(ValueError, given, None, {VARIABLE: text})
        self.assertRaises(OSError, given, "/none", {})

    def test_none_is_given_with_the_nickname(self) -> None:
        """Everybody on the machine sees a program's arguments."""
        told = io.StringIO()
        self.patch(sys, "stderr", told)
        self.assertRaises(SystemExit, parse, ["alice xyzzy@host"])
        self.assertIn("--password-file", told.getvalue())
        self.assertNotIn("xyzzy", told.getvalue())

    def test_what_is_private(self) -> None:
        """TLS, and this machine."""
        for arguments, private in (
            (["a@localhost"], True),
            (["a@127.0.0.1"], True),
            (["a@127.1.2.3:1"], True),
            (["a@[::1]"], True),
            (["a@chat.example"], False),
            (["a@192.0.2.1"], False),
            (["a@127.0.0.1.example"], False),
            (["--tls", "a@chat.example"], True),
        ):
            self.assertIs(parse(arguments).private, private, arguments)
