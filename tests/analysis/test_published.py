"""Tests, intervals, effect sizes and power give the numbers that are published for well-known data."""

import itertools
import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("scipy")

from runlake.analysis import estimates, methods

# Student 1908, "The probable error of a mean": hours of sleep gained by ten people under two drugs; R's data set `sleep`.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

numbers = st.floats(-1e3, 1e3).map(lambda x: round(x, 2))
samples = st.lists(numbers, min_size=2, max_size=8)


def p(method, a, b, alternative="two-sided", *, paired=False):
    return methods.p_value(method, a, b, alternative, paired=paired)


def test_t_tests_of_the_sleep_data_are_those_of_r():
    # Printed by R's example(sleep) and t.test(extra ~ group).
    assert p("welch", FIRST, SECOND) == pytest.approx(0.07939, abs=5e-6)
    assert p("t", FIRST, SECOND) == pytest.approx(0.07919, abs=5e-6)
    assert p("t", FIRST, SECOND, paired=True) == pytest.approx(0.002833, abs=5e-7)


def test_intervals_of_the_sleep_data_are_those_of_r():
    unpaired = estimates.t_interval(FIRST, SECOND, 0.95, paired=False)
    assert unpaired == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    pairs = estimates.t_interval(FIRST, SECOND, 0.95, paired=True)
    assert pairs == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


def test_rank_tests_are_those_of_hollander_and_wolfe():
    # Hollander and Wolfe 1973, "Nonparametric statistical methods", pages 29 and 69; R's example(wilcox.test).
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    assert p("wilcoxon", before, after, "greater", paired=True) == pytest.approx(0.01953, abs=5e-6)
    at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    earlier = [1.15, 0.88, 0.90, 0.74, 1.21]
    assert p("mannwhitney", at_term, earlier, "greater") == pytest.approx(0.1272, abs=5e-5)


def test_a_permutation_test_of_few_values_counts_all_permutations():
    a, b = [3.0, 5.0, 9.0], [1.0, 2.0, 4.0, 4.5]
    observed = statistics.fmean(a) - statistics.fmean(b)
    pool = a + b
    differences = []
    for chosen in itertools.combinations(range(7), 3):
        inside = [pool[i] for i in chosen]
        outside = [pool[i] for i in range(7) if i not in chosen]
        differences.append(statistics.fmean(inside) - statistics.fmean(outside))
    above = sum(d >= observed - 1e-9 for d in differences) / len(differences)
    below = sum(d <= observed + 1e-9 for d in differences) / len(differences)
    assert p("permutation", a, b, "greater") == pytest.approx(above)
    assert p("permutation", a, b) == pytest.approx(2 * min(above, below))


def test_a_permutation_test_of_pairs_swaps_within_pairs():
    a, b = [3.0, 5.0, 9.0, 7.0], [1.0, 2.5, 9.5, 3.0]
    differences = [x - y for x, y in zip(a, b, strict=True)]
    sums = [
        sum(sign * d for sign, d in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=4)
    ]
    above = sum(s >= sum(differences) - 1e-9 for s in sums) / len(sums)
    assert p("permutation", a, b, "greater", paired=True) == pytest.approx(above)


@pytest.mark.parametrize(("d", "runs"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_the_runs_needed_are_those_of_cohens_table(d, runs):
    # Cohen 1988, table 2.4.1 (which rounds 393.4 down): two-sided, alpha 0.05, power 0.80.
    assert estimates.runs_needed(d) == runs
    assert estimates.runs_needed(-d) == runs


def test_the_power_is_that_of_r():
    # power.t.test(n = 20, delta = 1, strict = TRUE) and power.t.test(power = .90, delta = 1): n = 22.02110.
    assert estimates.power(1, (20, 20)) == pytest.approx(0.8689530, abs=5e-8)
    assert estimates.runs_needed(1, goal=0.9) == 23
    # G*Power 3.1: matched pairs, dz 0.5, two-sided: 34 pairs, power 0.808.
    assert estimates.runs_needed(0.5, paired=True) == 34
    assert estimates.power(0.5, (34, 34), paired=True) == pytest.approx(0.808, abs=5e-4)


def test_an_effect_of_nothing_is_found_as_often_as_alpha_says_and_never_with_80_percent():
    assert estimates.power(0, (7, 9), alpha=0.01) == pytest.approx(0.01)
    assert estimates.runs_needed(0) is None
    assert estimates.runs_needed(0.5, alternative="less") is None
    assert estimates.runs_needed(-0.5, alternative="less") == estimates.runs_needed(
        0.5, alternative="greater"
    )


@given(st.floats(-1e9, 1e9), st.integers(2, 50), st.integers(2, 50))
def test_power_is_a_probability_at_any_size(effect, first, second):
    assert 0 <= estimates.power(effect, (first, second)) <= 1


def with_moments(mean, deviation, count):
    """A sample of exactly this mean and standard deviation."""
    raw = [float(i) for i in range(count)]
    centre, spread = statistics.fmean(raw), statistics.stdev(raw)
    return [mean + deviation * (x - centre) / spread for x in raw]


def test_the_effect_size_is_that_of_the_text_book():
    # Borenstein, Hedges, Higgins and Rothstein 2009, "Introduction to meta-analysis", chapter 4: d 0.5970, g 0.5924.
    a, b = with_moments(103, 5.5, 50), with_moments(100, 4.5, 50)
    assert estimates.cohens_d(a, b) == pytest.approx(0.5970, abs=5e-5)
    assert estimates.hedges_g(a, b) == pytest.approx(0.5924, abs=5e-5)


@given(samples, samples)
def test_superiority_counts_all_pairs_of_values(a, b):
    wins = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    assert methods.superiority(a, b) == pytest.approx(wins / (len(a) * len(b)))


@settings(max_examples=50)
@given(samples, samples, st.sampled_from(["welch", "t", "mannwhitney"]))
def test_p_values_are_probabilities_and_the_same_either_way_round(a, b, method):
    if methods.is_degenerate(method, a, b, paired=False):
        return
    forth, back = p(method, a, b), p(method, b, a)
    assert 0 <= forth <= 1
    assert forth == pytest.approx(back)
    assert p(method, a, b, "less") == pytest.approx(p(method, b, a, "greater"))


def test_the_bootstrap_covers_the_difference_and_is_the_same_each_time():
    low, high, method = estimates.bootstrap_interval(FIRST, SECOND, 0.95, paired=True)
    assert method == "BCa"
    assert -2.8 < low < -1.58 < high < -0.7
    assert (low, high, method) == estimates.bootstrap_interval(FIRST, SECOND, 0.95, paired=True)


def test_the_bootstrap_of_copies_is_their_value():
    assert estimates.bootstrap_interval([2.0, 2.0], [1.0, 1.0], 0.95, paired=False) == (
        1.0,
        1.0,
        "percentile",
    )


def test_no_spread_means_no_standardised_effect():
    assert estimates.hedges_g([1.0, 1.0], [2.0, 2.0]) is None
    assert estimates.d_of_pairs([1.0, 2.0], [2.0, 3.0]) is None
    assert math.isfinite(estimates.hedges_g([1.0, 2.0], [2.0, 3.0]))
