"""What a change of a record answered is there after a crash, and other processes' changes come."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from chatservice.admin.records import change, read_all
from chatservice.store.database import FILE
from chatservice.store.schema import connect
from tests.records_contract import count

CHANGES = """
import sys
from pathlib import Path
from chatservice.store.database import Database
from chatservice.store.sqlite import SqliteLog
from chatservice.store.sqlite_records import SqliteRecords
from tests.records_contract import count
from tests.store_fakes import Pump

pump = Pump()
database = Database(Path(sys.argv[1]), pump)
records = SqliteRecords(database)
records.watch("a", lambda key, value: print("told", key, value and value["n"], flush=True))
SqliteLog(database).open()
print("open", flush=True)
if sys.argv[2:]:
    for line in sys.stdin:
        records.look()
        pump.turn()
        print("looked", flush=True)
while True:
    pump.wait(records.change("a", "x", count))
    print("done", flush=True)
"""
"""A chat's records without the chat: they are changed on and on, or looked at on each line."""


def run(directory: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start it."""
    return subprocess.Popen(
        [sys.executable, "-c", CHANGES, str(directory), *arguments],
        cwd=Path(__file__).parent.parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(directory: Path, answers: int) -> list[int]:
    """Change on and on, and kill it after so many answers; return all the values it was told."""
    told: list[int] = []
    with run(directory) as process:
        assert process.stdout is not None
        for line in process.stdout:
            what, *words = line.split()
            if what == "told":
                told.append(int(words[-1]))
            answers -= what == "done"
            if answers <= 0:
                process.kill()
    return told


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """Nothing that was answered is lost, and what was there is told at the next start."""
    kept = 0
    for answers in (1, 40, 2, 17, 5, 33, 9, 3):
        told = kill(tmp_path, answers)
        assert told == list(range(max(kept, 1), told[-1] + 1))
        with closing(connect(tmp_path / FILE, writing=False)) as db:
            kept = int(str(read_all(db, "a")["x"]["n"]))
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert kept >= told[-1] >= answers


def test_what_another_process_changes_is_told(tmp_path: Path) -> None:
    """It is chat-admin that changes here, beside a process that has the database open."""
    with run(tmp_path, "look") as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            for n in range(1, 4):
                with closing(connect(tmp_path / FILE, writing=True)) as db:
                    change(db, "a", "x", count)
                process.stdin.write("look\n")
                process.stdin.flush()
                assert process.stdout.readline() == f"told x {n}\n"
                assert process.stdout.readline() == "looked\n"
            with closing(connect(tmp_path / FILE, writing=True)) as db:
                change(db, "a", "x", lambda _: None)
            process.stdin.write("look\n")
            process.stdin.flush()
            assert process.stdout.readline() == "told x None\n"
        finally:
            process.kill()
