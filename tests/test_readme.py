"""README's two commands are what continuous integration and newcomers run."""

from pathlib import Path

HOUSE = Path(__file__).parent.parent
RUN = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e . && "
    ".venv/bin/twistd -n chat --port 55555 --web 8055 --irc 6667"
)
TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"


def test_readme_opens_with_the_command_that_runs_the_chat() -> None:
    """Each is one line of its own."""
    lines = (HOUSE / "README.md").read_text("utf-8").splitlines()
    assert RUN in lines
    assert TEST in lines
    assert lines.index(RUN) < lines.index(TEST)


def test_continuous_integration_runs_readmes_test_command() -> None:
    """To the letter, with every skip turned into a failure."""
    script = (HOUSE / ".ci" / "run").read_text("utf-8")
    assert TEST in script.splitlines()
    assert "--require-all" in script
