"""The house itself: imports run one way, the core knows no wires, and the checkers are content."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PACKAGE = HOUSE / "chatservice"

LAYERS = [
    {"errors", "events", "roles", "text", "durations", "wildcards", "__init__"},
    {"names", "limits", "meters"},
    {"resume", "retention", "search", "taste"},
    {"interfaces"},
    {"plain", "objects", "store", "signals", "journal", "delivery"},
    {"people"},
    {"accounts", "draining", "closing"},
    {"rooms"},
    {"presence"},
    {"parts"},
    {"bots", "departures"},
    {"arrivals"},
    {"hub"},
    {"session", "expiry"},
    {"commands"},
    {"doors", "client", "admin"},
    {"site"},
    {"options"},
    {"service"},
    {"tap"},
]
"""A module may import from its own layer and from those above it in this list."""

WIRES = re.compile(r"twisted\.(web|conch|protocols)|twisted\.internet\.(reactor|protocol|tcp|ssl)")
SHARED_BY_DOORS = {
    *("certificates", "connection", "factory", "frames", "framing", "liveness"),
    *("outlet", "requests", "stream", "tabs", "telnet", "web"),
}


def imports(path: Path, for_types: bool = True) -> set[str]:
    """Return the full names of what a module imports, at its top or further in.

    :param for_types: also what only the type checker imports.
    """
    found: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    for node in nodes:  # which grows
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not for_types:
            continue
        nodes += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(name: str) -> str:
    """Return the part of the package that a full name belongs to; "" for other packages."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "chatservice" else ""


def layer(name: str) -> int:
    """Return how far down the house a part stands."""
    return next(depth for depth, parts in enumerate(LAYERS) if name in parts)


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    """No module imports from below itself, no door from another door, and nobody the client."""
    own = path.relative_to(PACKAGE).with_suffix("").parts
    for name in imports(path):
        there = part(name)
        if not there or there not in set().union(*LAYERS):
            continue
        assert layer(there) <= layer(own[0]), f"{path.name} imports {name}"
        if own[0] == "doors" and name.startswith("chatservice.doors."):
            assert name.split(".")[2] in {*SHARED_BY_DOORS, own[1]}, f"{path.name} imports {name}"
        assert there != "client" or own[0] == "client"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_core_knows_no_wires(path: Path) -> None:
    """No reactor, no protocol above the doors; and no reactor at any module's top."""
    if path.relative_to(PACKAGE).parts[0] not in ("doors", "site", "client", "tap.py"):
        assert not [name for name in imports(path) if WIRES.match(name)]
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
            assert "reactor" not in {alias.name for alias in node.names}


def test_no_imports_go_round() -> None:
    """Within a part they run one way, too, but for types that know each other."""
    names = {
        ".".join(("chatservice", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in MODULES
    }
    graph = {name: imports(path, for_types=False) & names.keys() for name, path in names.items()}
    TopologicalSorter(graph).prepare()


def test_every_part_has_its_layer() -> None:
    """A new module must say where it stands."""
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in MODULES}
    assert parts == set().union(*LAYERS)


def test_importing_the_package_imports_nothing_else() -> None:
    """The plugin is read by every twistd --help; it must stay cheap."""
    code = "import sys, chatservice; print([m for m in sys.modules if m.startswith('twisted')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["twisted.trial", "--temp-directory={}/trial", "tests"],
    ],
    ids=["ruff", "ruff-format", "mypy", "trial"],
)
def test_the_checkers_are_content(command: list[str], tmp_path: Path) -> None:
    """Lint, format and types are clean, and trial passes the unit tests as pytest does."""
    words = [sys.executable, "-m", *(word.format(tmp_path) for word in command)]
    few = {**os.environ, "HYPOTHESIS_PROFILE": "few"}  # pytest tries many
    ran = subprocess.run(words, capture_output=True, text=True, cwd=HOUSE, env=few, check=False)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said[-10_000:]
    if "trial" in command[0]:
        count = re.search(r"Ran (\d+) tests", said)
        assert count is not None
        assert int(count[1]) > 100
