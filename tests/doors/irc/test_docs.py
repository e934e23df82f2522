"""What docs/irc.md says is supported: that, all of it, and nothing else."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc.capabilities import CAPABILITIES
from chatservice.doors.irc.commands import VERBS
from chatservice.doors.irc.commands.helping import USAGES
from chatservice.doors.irc.isupport import tokens
from tests.doors.irc.chat import Chat

PAGE = Path(__file__).parents[3] / "docs" / "irc.md"


class WhatIsSupported(SynchronousTestCase):
    """The tables at the end of the page."""

    def listed(self, title: str) -> list[str]:
        """Return what stands in a row of the table."""
        found = re.search(rf"^\| {title} \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
        assert found is not None
        return re.findall("`([^`]+)`", found[1])

    def test_the_capabilities(self) -> None:
        self.assertEqual(self.listed("capabilities"), sorted(CAPABILITIES))

    def test_the_verbs_each_with_its_help(self) -> None:
        self.assertEqual(self.listed("verbs"), sorted(VERBS))
        self.assertEqual(sorted(USAGES), sorted(VERBS))

    def test_the_tokens(self) -> None:
        told = [token.partition("=")[0] for token in tokens(Chat().joined("alice").protocol)]
        self.assertEqual(self.listed("`ISUPPORT`"), told)
