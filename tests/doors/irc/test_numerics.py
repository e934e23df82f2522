"""The numbers of replies: each is one, none is there twice, and each is used."""

import ast
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from chatservice.doors.irc import numerics

DOOR = Path(numerics.__file__).parent
NUMBERS = {name: value for name, value in vars(numerics).items() if name[:4] in ("RPL_", "ERR_")}


def used(tree: ast.AST) -> set[str]:
    """Return which of the numbers a module names."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "n"
    }


class Numbers(SynchronousTestCase):
    """The table of numbers."""

    def test_each_is_three_digits_and_no_two_are_the_same(self) -> None:
        for name, number in NUMBERS.items():
            self.assertTrue(re.fullmatch("[0-9]{3}", number), name)
        self.assertEqual(len({*NUMBERS.values()}), len(NUMBERS))

    def test_each_is_used_so_that_the_table_says_what_clients_can_meet(self) -> None:
        modules = [path for path in DOOR.rglob("*.py") if path.name != "numerics.py"]
        found = set[str]().union(*(used(ast.parse(path.read_text())) for path in modules))
        self.assertEqual({*NUMBERS}, found)
