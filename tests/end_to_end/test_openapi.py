"""The description of the HTTP interface holds: schemathesis asks the real chat what it promises."""

import subprocess
from pathlib import Path

import chatservice.site
from tests.end_to_end.harness import BIN, stored
from tests.end_to_end.programs import Site, token_of

DESCRIPTION = Path(chatservice.site.__file__).parent / "openapi.json"

CONFIG = """
[[operations]]
include-operation-id = "read"
parameters = { name = "ops" }

[[operations]]
include-operation-id = "say"
parameters = { name = "ops" }
checks.positive_data_acceptance.expected-statuses = ["201", "413", "422"]
checks.negative_data_rejection.expected-statuses = ["400", "413", "415", "422"]
"""
"""One room of all there could be, so that more than refusals is looked at. No schema counts bytes
(413), or knows which keys were used for what (422)."""


def test_what_is_promised_holds(tmp_path: Path) -> None:
    """Every check of schemathesis, but for a stream, which has no end."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with Site(tmp_path, "--no-limits") as site, site.founder() as alice:
        token = token_of(alice)
        ran = subprocess.run(
            [
                BIN / "schemathesis",
                "--config-file",
                tmp_path / "schemathesis.toml",
                "run",
                DESCRIPTION,
                "--url",
                site.url(""),
                "--header",
                f"Authorization: Bearer {token}",
                "--exclude-operation-id",
                "follow",
                "--checks",
                "all",
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                "40",
                "--generation-deterministic",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
        assert site.process.poll() is None
        said = stored(tmp_path / "chat-data", "#ops")
        assert len(said) > 10, "it is not refusals alone that hold"
