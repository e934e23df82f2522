"""Makes the pictures of the page that the documentation shows: ``python docs/make_screenshots.py``.

It starts a chat of its own, fills it with an evening of people who come by browser and by nc, and
writes page-light.png, page-dark.png and page-phone.png beside itself. It needs what the tests of
the page need.
"""

import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from playwright.sync_api import Browser, expect, sync_playwright  # noqa: E402

from tests.end_to_end.browser import FLAGS, Visits, WebChat, tell_the_past  # noqa: E402
from tests.end_to_end.harness import BIN, tool  # noqa: E402

LARGEST = 160_000
"""Bytes that a picture may have."""

YESTERDAY = (
    ("mira", "the new switch is in, rack 4. Anything odd, tell me"),
    ("jonas", "nice, backups ran 20 minutes faster tonight"),
    ("mira", "then we can move the mirror on Thursday"),
)
TODAY = (
    ("jonas", "morning! Has anybody seen the build fail on arm64?"),
    ("priya", "yes, same here. It is the new compiler: `-Werror=maybe-uninitialized`"),
    ("priya", "workaround until it is fixed: `make CFLAGS=-Wno-error`"),
    ("mira", "there is a patch: https://example.org/review/4711"),
    ("tomás", "trying it now ☕"),
    ("tomás", "👍"),
)
LIVE = (
    ("jonas", "works for me on both boards"),
    ("priya", "alice: could you have a look before we merge?"),
)


def past() -> list[dict[str, Any]]:
    """Return what was said before the evening begins, by the clock of now."""
    now = time.time()
    told = [(now - 90_000 + 240 * n, *line) for n, line in enumerate(YESTERDAY)]
    told += [(now - 3_000 + 150 * n, *line) for n, line in enumerate(TODAY)]
    return [
        {"seq": seq, "at": at, "nick": nick, "text": text}
        for seq, (at, nick, text) in enumerate(told, 1)
    ]


LARGE: dict[str, Any] = {"viewport": {"width": 1200, "height": 760}}
LOOKS: dict[str, dict[str, Any]] = {
    "light": LARGE,
    "dark": {**LARGE, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 760},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
        "color_scheme": "dark",
    },
}
"""How the page is looked at in each picture."""


def evening(chat: WebChat, data: Path, browser: Browser, path: Path, look: dict[str, Any]) -> None:
    """Let people come and talk, and take a picture of it."""
    with ExitStack() as stack:
        people = {
            nick: stack.enter_context(chat.nc(nick))
            for nick in ("mira", "jonas", "priya", "tomás", "henrik")
        }
        mira = people["mira"]
        mira.say("/register correct horse battery")
        mira.expect("mira is yours now")
        grant = [str(BIN / "chat-admin"), "--data", str(data), "grant", "mira", "admin"]
        subprocess.run(grant, check=True, stdout=subprocess.DEVNULL)
        mira.expect("admin")
        mira.say("/topic The build room. Maintenance on Thursday: https://example.org/plan")
        mira.say("/voice priya")
        mira.say("/join #ops")
        mira.say("/topic On call until Friday: henrik")
        mira.say("/join #lobby")
        people["henrik"].say("/away on the train")
        visits = Visits(browser, chat)
        alice = visits("alice", **look)
        alice.enter("#games")
        alice.enter("#ops")
        mira.say("/msg alice coffee at three?")
        places = alice.page.locator("#places")  # which a phone hides until it is asked for
        expect(places.get_by_label("mira, 1 unread")).to_be_attached()
        alice.say("/join #lobby")
        expect(alice.heading).to_have_text("#lobby")
        mira.say("#ops the certificate is renewed")
        mira.say("#ops alice: and the old one is revoked")
        for nick, line in LIVE:
            people[nick].say(line)
            expect(alice.message(re.compile(re.escape(line[-20:])))).to_be_visible()
        alice.say("on it, give me five minutes")
        expect(alice.message("on it, give me five minutes")).to_be_in_viewport()
        expect(places.get_by_label("#ops, 2 unread, 1 mention")).to_be_attached()
        alice.page.screenshot(path=path, animations="disabled", caret="initial")
        visits.close()
        visits.check()


def main() -> None:
    """Make the pictures.

    :raises SystemExit: if one is larger than LARGEST.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=list(FLAGS))
        for name, look in LOOKS.items():
            path = DOCS / f"page-{name}.png"
            with tempfile.TemporaryDirectory() as folder:
                data = Path(folder) / "chat-data"
                tell_the_past(data, past())
                with WebChat(Path(folder), "--no-limits", "--backlog", "20") as chat:
                    evening(chat, data, browser, path, look)
            size = path.stat().st_size
            print(f"{path.name}: {size:,} bytes")
            if size > LARGEST:
                raise SystemExit(f"{path.name} is larger than {LARGEST:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
