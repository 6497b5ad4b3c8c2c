"""What a verdict decides: by direction, margin and correction, and of groups that say nothing."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy")

from runlake import InvalidArgument
from runlake.analysis.judging import Question, judge
from runlake.analysis.selection import Group

LOW, HIGH = [1.0, 1.1, 0.9, 1.05, 0.95], [2.0, 2.1, 1.9, 2.05, 1.95]


def group(name, values, keys=None):
    runs = tuple(("p", f"{name}{place}") for place in range(len(values)))
    return Group(name, runs, tuple(values), tuple(keys or [None] * len(values)))


def verdict(a, b, direction="min", correction=None, **asked):
    a = a if isinstance(a, Group) else group("a", a)
    b = b if isinstance(b, Group) else group("b", b)
    return judge([(a, b)], Question("summary.loss", direction, **asked), correction)[0]


@pytest.mark.parametrize(
    ("a", "b", "direction", "decision"),
    [
        (LOW, HIGH, "min", "better"),
        (LOW, HIGH, "max", "worse"),
        (HIGH, LOW, "min", "worse"),
        (HIGH, LOW, "max", "better"),
        (LOW, [1.0, 0.9, 1.1, 1.2, 0.8], "min", "no evidence"),
    ],
)
@pytest.mark.parametrize("method", ["auto", "welch", "t", "mannwhitney", "permutation"])
def test_the_decision_follows_the_direction(a, b, direction, decision, method):
    assert verdict(a, b, direction, method=method).decision == decision


def test_one_sided_tests_see_one_side():
    assert verdict(LOW, HIGH, alternative="less").decision == "better"
    unseen = verdict(LOW, HIGH, alternative="greater")
    assert unseen.decision == "no evidence"
    assert str(unseen).startswith("No evidence that summary.loss is higher in a than in b.")


def test_a_rank_test_decides_by_ranks_and_not_by_a_mean_that_one_run_drags():
    a, b = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 90.0], [2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6]
    found = verdict(a, b, method="mannwhitney")
    assert found.difference > 0
    assert found.decision == "better"


def test_probability_of_improvement_is_of_the_better_direction():
    assert verdict(LOW, HIGH, "min").probability_of_improvement == 1.0
    assert verdict(LOW, HIGH, "max").probability_of_improvement == 0.0
    assert verdict(LOW, HIGH, "max").a12 == 0.0


def test_equivalence_takes_a_margin_that_both_tests_hold():
    near = [value + 0.01 for value in LOW]
    assert verdict(LOW, near, equivalence=0.5).decision == "equivalent"
    assert verdict(LOW, near, equivalence=0.02).decision == "no evidence"
    assert verdict(LOW, HIGH, equivalence=0.5).decision == "better"


def test_two_one_sided_tests_are_the_90_percent_interval_inside_the_margin():
    # Schuirmann 1987: TOST at level alpha is the interval of 1 - 2 alpha within the margin.
    b = [value + 0.06 for value in reversed(LOW)]
    low, high = verdict(LOW, b, alpha=0.10).interval
    reach = max(abs(low), abs(high))
    assert verdict(LOW, b, equivalence=reach * 1.001).p_equivalence < 0.05
    assert verdict(LOW, b, equivalence=reach * 0.999).p_equivalence > 0.05


def test_a_correction_takes_back_what_chance_may_have_found():
    a, b = group("a", LOW), group("b", [value + 0.12 for value in LOW])
    alone = judge([(a, b)], Question("m", "min"))
    assert alone[0].decision == "better"
    many = judge([(a, b)] * 9, Question("m", "min"), "bonferroni")
    assert {each.decision for each in many} == {"no evidence"}
    assert many[0].p == alone[0].p
    assert many[0].p_corrected == pytest.approx(9 * alone[0].p)


@pytest.mark.parametrize("values", [[], [1.0], [math.nan] * 5, [None, None, 1.0], [math.inf, 1.0]])
def test_groups_of_less_than_two_numbers_are_too_few(values):
    found = verdict(values, HIGH)
    assert found.decision == "too few runs"
    assert found.p is None
    assert "a test takes 2 runs" in str(found)


def test_what_is_left_out_is_counted_and_said():
    found = verdict([*LOW, math.nan, math.inf, None, 1e200], HIGH)
    assert (found.a.runs, found.a.n, found.a.missing, found.a.not_finite) == (9, 5, 1, 3)
    assert "1 of 9 runs of a left out, without a number" in found.notes
    assert "3 of 9 runs of a left out, NaN, infinite or beyond 1e150" in found.notes


@pytest.mark.parametrize("b", [[1.0, 1.0, 1.0], [2.0, 2.0]])
def test_copies_of_one_value_are_no_evidence(b):
    found = verdict([1.0, 1.0, 1.0], b)
    assert found.decision == "no evidence"
    assert found.p is None
    assert "neither group has any spread" in str(found)


def test_pairs_that_differ_only_by_rounding_have_no_spread():
    a, b = [0.1 + 0.2, 0.4, 0.7], [0.2, 0.3, 0.6]
    found = verdict(group("a", a, [1, 2, 3]), group("b", b, [1, 2, 3]))
    assert found.paired
    assert found.decision == "no evidence"
    assert "all pairs differ by the same" in str(found)


def test_a_method_that_cannot_do_what_is_asked_is_refused():
    with pytest.raises(InvalidArgument, match="'wilcoxon' is for pairs"):
        verdict(LOW, HIGH, method="wilcoxon", paired=False)
    with pytest.raises(InvalidArgument, match="'welch' is not for pairs: with them, take \"t\""):
        verdict(LOW, HIGH, method="welch", paired=True)
    with pytest.raises(InvalidArgument, match="method: expected one of auto, .*, got 'anova'"):
        verdict(LOW, HIGH, method="anova")
    with pytest.raises(InvalidArgument, match="alternative: expected one of two-sided"):
        verdict(LOW, HIGH, alternative="lower")


def test_a_page_shows_names_as_text():
    shown = verdict(group("<b>", LOW), group("b", HIGH))._repr_html_()
    assert shown.startswith("<p><b>better</b>: &lt;b&gt; is better than b")
    assert shown.count("<b>") == 1


values = st.lists(st.one_of(st.none(), st.floats()), max_size=6)


@settings(max_examples=60)
@given(values, values, st.sampled_from(["welch", "t", "mannwhitney"]), st.sampled_from([None, 0.5]))
def test_any_values_give_a_verdict_and_the_other_way_round_the_opposite(a, b, method, margin):
    forth = verdict(group("a", a), group("b", b), method=method, equivalence=margin)
    back = verdict(group("b", b), group("a", a), method=method, equivalence=margin)
    opposite = {"better": "worse", "worse": "better"}
    assert back.decision == opposite.get(forth.decision, forth.decision)
    json.dumps(forth.to_dict(), allow_nan=False)
    assert str(forth)
    assert forth._repr_html_()


def test_the_runs_needed_are_said_where_more_runs_would_help():
    b = [1.0, 0.9, 1.1, 1.2, 0.8]
    found = verdict(LOW, [value + 0.01 for value in b])
    assert f"would take {found.needed:,} runs a group to be found in 80 % of cases" in str(found)
    assert "over a million runs a group" in str(verdict(LOW, b))
    assert "80 %" not in str(verdict(LOW, HIGH, alternative="greater"))
