"""What gets installed: from a wheel and from an sdist, into fresh environments, and it talks."""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.harness import Program, Server

HOUSE = Path(__file__).parent.parent.parent


def test_the_tree_does_not_destroy_twisted() -> None:
    """With an __init__.py in either place an install overwrites the user's Twisted."""
    assert not (HOUSE / "twisted" / "__init__.py").exists()
    assert not (HOUSE / "twisted" / "plugins" / "__init__.py").exists()
    assert (HOUSE / "twisted" / "plugins" / "chat_plugin.py").exists()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build wheel and sdist from a clean copy of what git knows."""
    directory = tmp_path_factory.mktemp("build")
    clean = directory / "clean"
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, check=False)
    names = listed.stdout.splitlines()
    if listed.returncode != 0:  # an unpacked sdist is as clean as that
        names = [str(path.relative_to(HOUSE)) for path in HOUSE.rglob("*") if path.is_file()]
        names = [name for name in names if not name.startswith((".venv", "build", "dist"))]
    for name in names:
        if (HOUSE / name).is_file():
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HOUSE / name, clean / name)
    command = [sys.executable, "-m", "build", "--outdir", str(directory), str(clean)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    (wheel,) = directory.glob("*.whl")
    (sdist,) = directory.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def test_the_wheel_contains_the_plugin_and_no_tests(built: dict[str, Path]) -> None:
    """The package, the plugin, the type marker; nothing of Twisted's own, no tests."""
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    assert {"twisted/plugins/chat_plugin.py", "chatservice/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]
    assert [name for name in names if name.startswith("twisted/")] == [
        "twisted/plugins/chat_plugin.py"
    ]
    sources = {str(p.relative_to(HOUSE)) for p in (HOUSE / "chatservice").rglob("*.py")}
    assert sources <= names
    page = {
        str(p.relative_to(HOUSE)) for p in (HOUSE / "chatservice/web").rglob("*") if p.is_file()
    }
    assert page <= names


def test_the_sdist_contains_the_tests(built: dict[str, Path]) -> None:
    """Who packages it further wants to run them."""
    with tarfile.open(built["sdist"]) as archive:
        names = archive.getnames()
    for needed in ("tests/test_house.py", ".ci/run", "benchmarks/naive.py", "docs/protocol.md"):
        assert any(name.endswith(f"/{needed}") for name in names)
    assert not any(name.endswith((".pyc", "dropin.cache")) for name in names)


@pytest.fixture(params=["wheel", "sdist"])
def fresh(request: pytest.FixtureRequest, built: dict[str, Path], tmp_path: Path) -> Iterator[Path]:
    """Install into a fresh environment; return its bin directory."""
    venv.create(tmp_path / "venv")
    directory = tmp_path / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(directory / "python")]
    command = [*pip, "install", "--quiet", "--no-compile", str(built[request.param])]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    yield directory
    shutil.rmtree(tmp_path / "venv")


def test_an_install_runs_and_talks(fresh: Path, tmp_path: Path) -> None:
    """``twistd chat --version``, then a server and a client, each as installed."""
    ran = subprocess.run(
        [fresh / "twistd", "chat", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert ran.stdout.startswith("chatservice ")
    runner = (str(fresh / "twistd"), "-n", "--pidfile=")
    with Server(tmp_path, runner=runner) as chat, chat.join("alice") as alice:
        environment = {**os.environ, "PYTHONPATH": ""}
        destination = f"bot@127.0.0.1:{chat.port}"
        with Program(fresh / "chat-client", destination, env=environment) as client:
            client.say("build done")
            client.close_input()
            assert client.wait() == 0, client.text
        assert "bot: build done" in alice.until("bot left the chat")
