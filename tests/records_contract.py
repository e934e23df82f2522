"""What every store of records promises (interfaces.IRecords), to be mixed in by each one's own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from twisted.internet.defer import Deferred

from chatservice.errors import ChatError, Code
from chatservice.interfaces import IRecords, Value

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as TestCase
else:
    TestCase = object

Result = TypeVar("Result")
How = Callable[[Value | None], Value | None]

VALUE: Value = {"name": "Ålice 👍", "n": -(1 << 62), "at": 1.5, "list": [None, True, {"a": []}]}


def be(value: Value | None) -> How:
    """Be this, whatever there is."""
    return lambda old: value


def count(old: Value | None) -> Value | None:
    """One more each time."""
    return {"n": cast("dict[str, Any]", old or {"n": 0})["n"] + 1}


def refuse(old: Value | None) -> Value | None:
    """Nothing of the kind."""
    raise ChatError(Code.NICK_REGISTERED, f"That is {old}.")


def break_(old: Value | None) -> Value | None:
    """A mistake in the program."""
    raise LookupError("oh")


class Learned:
    """Somebody who keeps the records of some kinds in memory.

    :ivar known: what there is, as far as it was told.
    :ivar told: all it was told, in order.
    """

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds or ("a",)
        self.known: dict[tuple[str, str], Value] = {}
        self.told: list[tuple[str, str, Value | None]] = []

    def watch(self, records: IRecords) -> None:
        """Watch every kind."""
        for kind in self.kinds:
            records.watch(kind, self._learner(kind))

    def _learner(self, kind: str) -> Callable[[str, Value | None], None]:
        def learn(key: str, value: Value | None) -> None:
            self.told.append((kind, key, value))
            if value is None:
                self.known.pop((kind, key), None)  # perhaps it came and went elsewhere
            else:
                self.known[kind, key] = value

        return learn


class RecordsContract(TestCase):
    """The tests; a subclass says how to make a store of records and how to wait for it."""

    def make_records(self, *watch: Callable[[IRecords], object]) -> IRecords:
        """Return a new store, open, that somebody began to watch before it was."""
        raise NotImplementedError

    def wait(self, deferred: Deferred[Result]) -> Result:
        """Return the result, once it is there; raise its failure."""
        raise NotImplementedError

    def refused(self, deferred: Deferred[Result]) -> ChatError:
        """Return the refusal with which it fails."""
        refusal: ChatError = self.assertRaises(ChatError, self.wait, deferred)
        return refusal

    def test_at_first_there_is_nothing(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        asked: list[Value | None] = []
        self.assertIsNone(self.wait(records.change("a", "x", asked.append)))
        self.assertEqual((asked, learned.told), ([None], []))

    def test_a_value_comes_back_as_it_was(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        for value in (VALUE, {}, {"other": ""}):
            self.assertEqual(self.wait(records.change("a", "schlüssel", be(value))), value)
            self.assertEqual(self.wait(records.change("a", "schlüssel", lambda old: old)), value)
            self.assertEqual(learned.told, [("a", "schlüssel", value)])
            learned.told.clear()

    def test_what_is_gone_is_gone(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        self.wait(records.change("a", "x", be(VALUE)))
        self.assertIsNone(self.wait(records.change("a", "x", be(None))))
        self.assertEqual(self.wait(records.change("a", "x", count)), {"n": 1})
        self.assertEqual([value for _, _, value in learned.told], [VALUE, None, {"n": 1}])

    def test_who_watches_a_kind_learns_of_no_other(self) -> None:
        one, both = Learned("a"), Learned("a", "b")
        records = self.make_records(one.watch, both.watch)
        for kind in ("a", "b", "c"):
            self.wait(records.change(kind, "x", be({"kind": kind})))
        self.assertEqual(one.known, {("a", "x"): {"kind": "a"}})
        self.assertEqual(both.known, {(k, "x"): {"kind": k} for k in ("a", "b")})

    def test_a_change_sees_those_before_it(self) -> None:
        records = self.make_records()
        changes = [records.change("a", "x", count) for _ in range(5)]
        changes.append(records.change("a", "y", count))
        self.assertEqual([self.wait(d) for d in changes], [{"n": n} for n in (1, 2, 3, 4, 5, 1)])

    def test_of_two_who_want_the_same_the_first_has_it(self) -> None:
        records = self.make_records()

        def claim(who: str) -> How:
            return lambda old: refuse(old) if old else {"by": who}

        first, second = (records.change("a", "x", claim(who)) for who in ("alice", "bob"))
        self.assertEqual(self.refused(second).message, "That is {'by': 'alice'}.")
        self.assertEqual(self.wait(first), {"by": "alice"})

    def test_who_refuses_changes_nothing(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        refusal = ChatError(Code.NICK_REGISTERED, "No.")

        def how(old: Value | None) -> Value | None:
            cast("dict[str, object]", old)["n"] = 7
            raise refusal

        changes = [records.change("a", "x", done) for done in (count, how, count)]
        self.assertIs(self.refused(changes[1]), refusal)
        self.assertEqual(self.wait(changes[2]), {"n": 2})
        self.assertEqual([value for _, _, value in learned.told], [{"n": 1}, {"n": 2}])

    def test_a_mistake_of_ours_is_logged_and_changes_nothing(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        bad: list[How] = [break_, *map(be, ({"x": b"bytes"}, {"x": float("nan")}, ["x"]))]  # type: ignore[arg-type]
        changes = [records.change("a", "x", how) for how in bad]
        for change in changes:
            self.assertEqual(self.refused(change).code, Code.INTERNAL)
        self.assertEqual(self.wait(records.change("a", "x", count)), {"n": 1})
        self.assertEqual(learned.told, [("a", "x", {"n": 1})])
        self.assertEqual(len(self.flushLoggedErrors(LookupError, TypeError, ValueError)), 4)

    def test_who_watches_knows_before_the_answer(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        at_answer: list[int] = []
        changes = [
            records.change("a", key, count).addCallback(
                lambda _: at_answer.append(len(learned.told))
            )
            for key in ("x", "y", "x")
        ]
        for change in changes:
            self.wait(change)
        self.assertEqual(at_answer, [1, 2, 3])
        self.assertEqual([key for _, key, _ in learned.told], ["x", "y", "x"])

    def test_nobody_is_told_of_what_stays_as_it_is(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        for _ in range(3):
            self.assertEqual(self.wait(records.change("a", "x", be({"n": 1}))), {"n": 1})
            self.assertIsNone(self.wait(records.change("a", "y", be(None))))
        self.assertEqual(learned.told, [("a", "x", {"n": 1})])

    def test_who_cannot_take_it_costs_nobody_an_answer(self) -> None:
        learned = Learned()

        def fail(key: str, value: Value | None) -> None:
            raise LookupError("oh")

        records = self.make_records(lambda records: records.watch("a", fail), learned.watch)
        self.assertEqual(self.wait(records.change("a", "x", count)), {"n": 1})
        self.assertEqual(learned.known, {("a", "x"): {"n": 1}})
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)

    def test_what_is_changed_while_somebody_is_told_comes_after_that(self) -> None:
        learned = Learned("a", "b")
        more: list[Deferred[Value | None]] = []

        def react(records: IRecords) -> None:
            records.watch("a", lambda key, value: more.append(records.change("b", key, count)))

        records = self.make_records(react, learned.watch)
        self.wait(records.change("a", "x", count))
        self.assertEqual(self.wait(more[0]), {"n": 1})
        self.assertEqual([kind for kind, _, _ in learned.told], ["a", "b"])

    def test_what_one_does_to_a_value_is_ones_own_business(self) -> None:
        learned = Learned()
        records = self.make_records(learned.watch)
        value: dict[str, Any] = {"list": [1]}
        self.wait(records.change("a", "x", be(value)))
        value["list"].append(2)
        self.assertEqual(self.wait(records.change("a", "x", lambda old: old)), {"list": [1]})
        self.assertEqual(learned.known, {("a", "x"): {"list": [1]}})
