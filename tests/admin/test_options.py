"""The command line, from the table of commands."""

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatservice.admin.commands import COMMANDS
from chatservice.admin.options import parse


class Parsing(SynchronousTestCase):
    """What people type."""

    def ended(self, *arguments: str) -> tuple[object, str]:
        """Parse what ends the program; return the exit code and what was printed."""
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            code = self.assertRaises(SystemExit, parse, COMMANDS, arguments).code
        return code, out.getvalue()

    def test_the_directory_stands_before_the_command_or_behind_it(self) -> None:
        self.assertEqual(parse(COMMANDS, ["stats"]).data, Path("chat-data"))
        self.assertEqual(parse(COMMANDS, ["--data", "x", "stats"]).data, Path("x"))
        self.assertEqual(parse(COMMANDS, ["stats", "--data", "x"]).data, Path("x"))

    def test_options_of_commands(self) -> None:
        given = parse(COMMANDS, ["export", "--room", "#a", "--out", "f", "--private"])
        self.assertEqual((given.room, given.out, given.private), ("#a", Path("f"), True))
        self.assertEqual(parse(COMMANDS, ["import"]).file, "-")
        self.assertTrue(parse(COMMANDS, ["stats", "--json"]).json)

    def test_help_has_every_command_and_an_example_of_each(self) -> None:
        code, text = self.ended("--help")
        self.assertEqual(code, 0)
        for command in COMMANDS:
            self.assertIn(command.example, text)
            self.assertTrue(command.example.startswith("chat-admin "))
            own, own_text = self.ended(command.name, "--help")
            self.assertEqual(own, 0)
            self.assertIn(command.example, own_text)
            self.assertIn("--data DIR", own_text)

    def test_what_is_not_usable(self) -> None:
        for arguments in ([], ["dance"], ["export", "--speed"], ["stats", "x"]):
            self.assertEqual(self.ended(*arguments)[0], 2)
