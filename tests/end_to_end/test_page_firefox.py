"""The page in Firefox: what it does there in another way than in Chromium."""

from tests.end_to_end.browser import WebChat
from tests.end_to_end.firefox import Firefox

CONNECTED = "document.getElementById('connection').textContent === 'Connected'"


def shown(text: str) -> str:
    """Return an expression that tells whether a message is shown, once."""
    lines = "[...document.querySelectorAll('.text')]"
    return f"{lines}.filter((line) => line.innerText === '{text}').length === 1"


def test_an_evening_in_firefox(web_chat: WebChat, firefox: Firefox) -> None:
    """Join, talk, reload, a private word: nothing is lost, and nobody has left."""
    firefox.go(web_chat.url)
    firefox.type("alice", "Enter")
    firefox.until(CONNECTED)
    with web_chat.nc("carol") as carol:
        firefox.type("hello", "Enter")
        carol.expect("^alice: hello")
        carol.say("hello back")
        firefox.until(shown("hello back"))
        # Often it tells the page that its WebSocket closed before it tells it that it ends.
        for _ in range(4):
            firefox.reload()
            firefox.until(CONNECTED)
            firefox.until(shown("hello back"))
        assert firefox.ask("document.activeElement.id") == "message"
        firefox.type("still here", "Enter")
        carol.expect("^alice: still here")
        assert "alice left" not in carol.text
        firefox.click("#members [data-key=carol]")
        firefox.click("dialog .primary")
        firefox.type("psst", "Enter")
        carol.expect("alice.*psst")
