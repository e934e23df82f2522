"""``chat-admin``: runs a command, and ends with one clear line if that does not go well."""

import os
import signal
import sqlite3
import sys

from chatservice.admin.commands import COMMANDS
from chatservice.admin.opening import Refused
from chatservice.admin.options import parse
from chatservice.store.schema import StoreError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main() -> None:
    """Run the command and exit: 0 if all went well, 1 with the reason if not, 130 after Ctrl-C."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads has read enough: that is all
    given = parse(COMMANDS)
    try:
        code: int | str = given.run(given)
    except KeyboardInterrupt as interrupted:
        print(f"chat-admin: {': '.join(['interrupted', *interrupted.args])}", file=sys.stderr)  # noqa: T201
        code = INTERRUPTED
    except (Refused, StoreError, sqlite3.Error) as error:
        code = f"chat-admin: {error}"
    except OSError as error:
        where = f" {os.fsdecode(error.filename)}" if error.filename else ""
        code = f"chat-admin: cannot use{where or ' that'}: {error.strerror or error}"
    sys.exit(code)  # words are printed; the exit code is 1


if __name__ == "__main__":
    main()
