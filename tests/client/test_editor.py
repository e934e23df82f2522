"""The line being typed, key by key."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from chatservice.client.editor import HISTORY, KEYS, Editor, columns

FAMILY = "👨‍👩‍👧"


def typed(*keys: str) -> Editor:
    """Return an editor after keys: names from KEYS in angle brackets, other text as typed."""
    editor = Editor()
    for key in keys:
        if key.startswith("<"):
            assert editor.press(key[1:-1])
        else:
            editor.insert(key)
    return editor


def hidden(text: str) -> int | None:
    """Say that what stands behind "pw " is secret."""
    return 3 if text.startswith("pw ") and text[3:] else None


class Secrets(SynchronousTestCase):
    """What is secret shows as dots and is not remembered."""

    def setUp(self) -> None:
        self.editor = Editor(hidden)

    def types(self, *keys: str) -> None:
        for key in keys:
            if key.startswith("<"):
                self.editor.press(key[1:-1])
            else:
                self.editor.insert(key)

    def test_dots_stand_for_it(self) -> None:
        """A table: the keys, what is shown, the cursor's column."""
        for keys, shown, at in (
            (["p", "w", " "], "pw ", 3),
            (["pw ", "a", FAMILY], "pw ••", 5),
            (["pw abc", "<left>", "<left>"], "pw •••", 4),
            (["pw abc", "<^A>", "<right>"], "pw •••", 1),
            (["pw abc", "<^A>", "x"], "•" * 7, 1),
            (["pw abc", "<^A>", "<delete>"], "•" * 5, 0),
            (["pw abc", "<backspace>", "<backspace>", "<backspace>", "x"], "pw •", 4),
            (["pw abc", "<^U>", "hi"], "hi", 2),
            (["pw a", "<backspace>", "<backspace>", "x"], "pwx", 3),
        ):
            self.setUp()
            self.types(*keys)
            self.assertEqual(self.editor.view(40), (shown, at), keys)

    def test_it_scrolls_as_dots(self) -> None:
        self.types("pw " + "x" * 50)
        shown, at = self.editor.view(20)
        self.assertEqual((set(shown), at), ({"•"}, len(shown)))

    def test_it_is_not_remembered(self) -> None:
        """Neither entered nor cut out; what was half typed comes back as it was."""
        self.types("hi")
        self.editor.enter()
        self.types("pw abc")
        self.assertTrue(self.editor.secret)
        self.assertEqual(self.editor.enter(), "pw abc")
        self.types("<up>")
        self.assertEqual((self.editor.text, self.editor.secret), ("hi", False))
        self.types("<down>", "pw abc", "<^A>", "<delete>", "<up>")
        self.assertEqual(self.editor.view(40)[0], "hi")
        self.types("<down>")
        self.assertEqual(self.editor.view(40)[0], "•" * 5)
        self.types("<^U>", "<^Y>")
        self.assertEqual(self.editor.text, "")

    @given(st.lists(st.sampled_from([*(f"<{key}>" for key in KEYS), "x", "y", " "])))
    def test_no_keys_show_it(self, keys: list[str]) -> None:
        """Z is typed in the secret part alone, and never seen."""
        editor = self.editor = Editor(hidden)
        editor.insert("pw Z")
        for key in keys:
            self.types(key)
            self.assertNotIn("Z", editor.view(40)[0])
        editor.enter()
        for key in keys:
            self.types(key)
            self.assertNotIn("Z", editor.view(40)[0])


class Keys(SynchronousTestCase):
    """What each key does."""

    def test_editing(self) -> None:
        """A table: the keys, then the line with | for the cursor."""
        for keys, expected in (
            (["abc", "<left>", "x"], "abx|c"),
            (["abc", "<^A>", "x", "<end>", "y"], "xabcy|"),
            (["abc", "<left>", "<left>", "<delete>"], "a|c"),
            (["abc", "<backspace>", "<^H>"], "a|"),
            (["<backspace>", "<delete>", "<left>", "<right>"], "|"),
            (["one two", "<^W>"], "one |"),
            (["one two  ", "<^W>", "<^W>"], "|"),
            (["one two", "<^W>", "<^A>", "<^Y>"], "two|one "),
            (["one two", "<alt-b>", "<alt-b>", "<ctrl-right>"], "one| two"),
            (["abc", "<left>", "<^K>"], "ab|"),
            (["abc", "<left>", "<^U>"], "|c"),
            (["ab", "<^T>"], "ba|"),
            ([f"a{FAMILY}e\u0301", "<backspace>"], f"a{FAMILY}|"),
            ([f"a{FAMILY}e\u0301", "<left>", "<backspace>"], "a|e\u0301"),
            ([f"{FAMILY}b", "<home>", "<right>"], f"{FAMILY}|b"),
        ):
            editor = typed(*keys)
            self.assertEqual(f"{editor.before}|{editor.after}", expected, keys)

    def test_an_unknown_key_does_nothing(self) -> None:
        """And says so."""
        editor = typed("abc")
        self.assertFalse(editor.press("^@"))
        self.assertEqual(editor.text, "abc")

    def test_history_goes_back_and_keeps_what_was_being_written(self) -> None:
        """Up, up, down, down."""
        editor = Editor()
        for line in ("one", "two"):
            editor.insert(line)
            self.assertEqual(editor.enter(), line)
        editor.insert("draft")
        seen = []
        for key in ("up", "up", "up", "down", "down", "down"):
            editor.press(key)
            seen.append(editor.text)
        self.assertEqual(seen, ["two", "one", "one", "two", "draft", "draft"])

    def test_history_is_bounded_and_has_no_repetitions(self) -> None:
        """The same line twice is one entry."""
        editor = Editor()
        for n in range(HISTORY * 2):
            editor.insert(str(n // 2))
            editor.enter()
        for _ in range(HISTORY * 2):
            editor.press("up")
        self.assertEqual(editor.text, "0")
        for n in range(HISTORY * 2):
            editor.insert(f"x{n}")
            editor.enter()
        for _ in range(HISTORY * 3):
            editor.press("up")
        self.assertEqual(editor.text, f"x{HISTORY}")

    def test_completion_goes_round(self) -> None:
        """Nicknames with a colon at the start of the line, commands with a blank."""
        nicks, commands = ["alan", "Alice", "bob"], ["/help", "/who"]
        editor = typed("al")
        seen = []
        for _ in range(3):
            editor.complete(nicks, commands)
            seen.append(editor.text)
        self.assertEqual(seen, ["alan: ", "Alice: ", "alan: "])
        for start, expected in {
            "hi ali": "hi Alice ",
            "/h": "/help ",
            "hi @b": "hi @bob ",
            "zzz": "zzz",
            "": "",
            "hi ": "hi ",
        }.items():
            editor = typed(start)
            editor.complete(nicks, commands)
            self.assertEqual(editor.text, expected)

    def test_typing_on_begins_a_new_completion(self) -> None:
        """The candidates of before are forgotten."""
        editor = typed("al")
        editor.complete(["alan", "alice"], [])
        editor.insert("b")
        editor.complete(["alan", "bob"], [])
        self.assertEqual(editor.text, "alan: bob ")

    @given(
        st.lists(st.sampled_from([*KEYS, "a", "é", "中", FAMILY, " ", "e\u0301", "🇩🇪"])),
        st.integers(2, 30),
    )
    def test_any_keys_leave_a_line_that_fits(self, keys: list[str], width: int) -> None:
        """The view has the cursor in it, and is the whole line if that is short."""
        editor = typed(*(f"<{key}>" if key in KEYS else key for key in keys))
        shown, at = editor.view(width)
        self.assertLessEqual(columns(shown), max(width, columns(editor.text[:1])))
        self.assertLess(at, width)
        self.assertIn(shown, editor.text)
        if len(editor.text) < width // 2:
            self.assertEqual((shown, at), (editor.text, columns(editor.before)))
