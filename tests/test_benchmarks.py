"""The benchmarks' report: medians and ratios of what was measured, between a document's markers."""

from pathlib import Path

import pytest

from benchmarks.comparison import comparison
from benchmarks.plots import spread
from benchmarks.report import Measured, cell, fill, load, middle, number, ratio, save, table
from benchmarks.runs import Run, run_of
from benchmarks.scenarios import CPU, DELIVERIES, SCENARIOS, SECTIONS

CLOSED = SCENARIOS["closed-100"]
PACED = SCENARIOS["paced-1000"]


def run(deliveries: float, busy: float = 0.5, **faults: int) -> Run:
    """Make a run in which everybody was in."""
    return Run(100, 100, 0.1, busy, figures={DELIVERIES.name: deliveries}, faults=faults)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1_234_567, "1,230,000"),
        (999.6, "1,000"),
        (123.4, "123"),
        (12.345, "12.3"),
        (0.5, "0.500"),
        (0.01234, "0.012"),
    ],
)
def test_three_digits_count(value: float, written: str) -> None:
    """More would claim what was not measured."""
    assert number(value) == written


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that is half as fast in the second round changes no ratio."""
    ours, others = [run(300), run(150), run(330)], [run(100), run(50), run(100)]
    assert ratio(DELIVERIES, ours, others) == 3.0
    assert middle(DELIVERIES, ours) == 300
    assert cell(DELIVERIES, CLOSED, ours, others) == "300 (3.00)"


def test_a_figure_that_is_missing_has_no_median() -> None:
    """Some servers have no such thing."""
    assert middle(CPU, [run(1)]) is None
    assert cell(CPU, CLOSED, [run(1)], [run(1)]) == "–"


def test_a_busy_generator_makes_a_lower_bound() -> None:
    """In a closed loop; when paced, the generator does what it was told."""
    assert cell(DELIVERIES, CLOSED, [run(100, busy=0.99)], []) == "≥ 100"
    assert cell(DELIVERIES, PACED, [run(100, busy=0.99)], []) == "100"


def test_who_did_not_let_everybody_in_has_no_figures() -> None:
    """How many were in is all there is to say."""
    some = Run(clients=10_000, joined=3912, seconds=60.02)
    assert cell(DELIVERIES, CLOSED, [some], []) == "3,912 of 10,000 in 60 s"
    assert cell(DELIVERIES, CLOSED, [Run(clients=10)], []) == "–"


def test_what_is_wrong_is_not_quoted() -> None:
    """A server that loses lines may be as fast as it likes."""
    assert cell(DELIVERIES, CLOSED, [run(100), run(100, lost=1)], []) == "wrong, see below"
    assert middle(DELIVERIES, [run(100, lost=1)]) is None


def test_the_table_has_those_that_were_run() -> None:
    """Scenarios down, servers across."""
    section = SECTIONS[0]
    runs = {"closed-100": {"disk": [run(400)], "naive": [run(100)]}}
    assert table(section, DELIVERIES, runs) == [
        "| deliveries/s | chat, disk | naive |",
        "|---|---:|---:|",
        "| 100 members | 400 (4.00) | 100 (1.00) |",
    ]


def test_what_the_generator_reports_becomes_a_run() -> None:
    """What one connection and idleness cost is worked out here."""
    reported: dict[str, float | str] = {
        "clients": 100,
        "joined": 100,
        "join_s": 0.5,
        "settled_s": 0.6,
        "hold_s": 2.0,
        "idle_cpu_s": 0.01,
        "rss_before_kib": 1000,
        "rss_idle_kib": 1200,
        "hwm_end_kib": 2048,
        "lost": 2,
        "last_error": "reset",
    }
    made = run_of(reported, 60)
    assert made.complete
    assert made.figures == {"kib_per_connection": 2.0, "mib_at_most": 2.0, "idle_cpu_pct": 0.5}
    assert made.faults == {"lost": 2}
    assert made.error == "reset"


def test_rooms_that_a_person_could_not_join_count_as_missing() -> None:
    """A server without rooms is no faster for that."""
    reported: dict[str, float | str] = {
        "clients": 1,
        "joined": 1,
        "person_rooms": 1000,
        "person_joined": 0,
        "join_s": 0.1,
        "settled_s": 0.4,
        "rss_before_kib": 1,
        "rss_idle_kib": 1,
        "hwm_end_kib": 1,
        "last_error": "! no such command",
    }
    made = run_of(reported, 60)
    assert not made.complete
    assert made.figures == {}
    assert made.error == "! no such command"


def test_only_what_is_between_the_markers_is_replaced() -> None:
    """What people wrote survives."""
    text = "before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n"
    filled = fill(text, "a", "new")
    assert filled == "before\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\nafter\n"
    assert fill(filled, "a", "new") == filled


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- begin a -->",
        "<!-- end a --><!-- begin a -->",
        "<!-- begin a --><!-- end a -->" * 2,
    ],
    ids=["none", "no end", "wrong order", "twice"],
)
def test_markers_must_be_there(text: str) -> None:
    """Otherwise a table would be lost, or eat what people wrote."""
    with pytest.raises(ValueError, match="begin a"):
        fill(text, "a", "new")


def test_every_section_has_its_place_in_the_document() -> None:
    """A new section needs markers in docs/performance.md."""
    text = Path(__file__).parent.parent.joinpath("docs", "performance.md").read_text("utf-8")
    for name in ("about", *(section.name for section in SECTIONS)):
        fill(text, name, "")


def test_raw_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    """So that tables and plots can be made again."""
    measured = Measured(
        {"cores": "2"},
        {"closed-100": "abc"},
        {"closed-100": {"disk": [run(1), run(2, lost=1)], "naive": [Run(5, 0, error="no")]}},
    )
    save(tmp_path / "raw.json", measured)
    assert load(tmp_path / "raw.json") == measured
    assert load(tmp_path / "none.json") == Measured()


def test_labels_that_are_too_close_move_apart_around_their_middle() -> None:
    """The others stay where their lines end."""
    assert spread([0.0, 5.0, 5.5, 9.0], 1.0) == [0.0, 4.75, 5.75, 9.0]
    assert spread([1.0, 1.0, 1.0], 1.0) == [0.0, 1.0, 2.0]
    assert spread([], 1.0) == []


def test_the_comparison_is_with_the_best_of_the_others() -> None:
    """More deliveries are better, less time is; a peer that lost something is no peer."""
    runs = {
        "closed-10": {
            "disk": [run(300)],
            "ngircd": [run(100)],
            "inspircd": [run(150)],
            "ircd-hybrid": [run(900, lost=1)],
            "limit": [run(600)],
        }
    }
    assert comparison(runs).splitlines()[2:] == [
        "| 10 members | deliveries/s | **300** | 150 InspIRCd | **2.00** | 600 | **0.500** |"
    ]


def test_without_others_there_is_nothing_to_compare() -> None:
    """And nothing is claimed."""
    (row,) = comparison({"closed-10": {"disk": [run(300)]}}).splitlines()[2:]
    assert row == "| 10 members | deliveries/s | **300** | – | – | – | – |"
    assert comparison({}) == ""
