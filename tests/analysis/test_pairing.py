"""Runs are paired by equal keys, and what has no partner is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlake import InvalidArgument
from runlake.analysis.pairing import samples
from runlake.analysis.selection import Group


def group(name, pairs):
    runs = tuple(("p", f"{name}{place}") for place in range(len(pairs)))
    return Group(name, runs, tuple(value for _, value in pairs), tuple(key for key, _ in pairs))


A = group("a", [(1, 1.0), (2, 2.0), (3, 3.0)])


def test_equal_keys_are_pairs_in_any_order():
    found = samples(A, group("b", [(3, 30.0), (1, 10.0), (2, 20.0)]), "config.seed", paired=None)
    assert found.paired
    assert (found.a, found.b) == ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


def test_without_a_partner_for_each_there_are_no_pairs_unless_asked_for():
    b = group("b", [(1, 10.0), (2, 20.0), (9, 90.0), (None, 5.0)])
    plain = samples(A, b, "config.seed", paired=None)
    assert not plain.paired
    assert (plain.a, plain.b) == (A.finite, b.finite)
    told = "config.seed 3 only in a; config.seed 9 only in b; b3 of b without config.seed"
    assert plain.notes == (f"not compared in pairs: {told}",)
    pairs = samples(A, b, "config.seed", paired=True)
    assert (pairs.a, pairs.b) == ([1.0, 2.0], [10.0, 20.0])
    assert pairs.notes == (f"left out of the pairs: {told}",)


def test_a_key_that_two_runs_of_a_group_have_pairs_nothing():
    b = group("b", [(1, 10.0), (1, 11.0), (2, 20.0), (3, 30.0)])
    assert not samples(A, b, "config.seed", paired=None).paired
    with pytest.raises(InvalidArgument, match="config.seed 1 more than once in b"):
        samples(A, b, "config.seed", paired=True)


def test_a_pair_with_a_value_that_is_none_is_left_out_as_a_whole():
    b = group("b", [(1, 10.0), (2, float("nan")), (3, 30.0)])
    found = samples(A, b, "config.seed", paired=None)
    assert (found.a, found.b) == ([1.0, 3.0], [10.0, 30.0])
    assert found.notes == ("1 of 3 pairs left out, one of them without a finite number",)


def test_runs_without_keys_are_compared_without_a_word():
    bare = group("b", [(None, 1.0), (None, 2.0)])
    assert samples(bare, bare, "config.seed", paired=None).notes == ()


keys = st.one_of(st.none(), st.integers(0, 4), st.booleans(), st.sampled_from(["x", "y"]))
groups = st.lists(st.tuples(keys, st.floats(0, 1)), max_size=6)


@given(groups, groups)
def test_pairs_are_those_of_the_plain_definition(a, b):
    found = samples(group("a", a), group("b", b), "k", paired=None)
    one, other = [key for key, _ in a], [key for key, _ in b]
    is_whole = (
        None not in one + other and len(set(one)) == len(one) and len(set(other)) == len(other)
    )
    assert found.paired == (is_whole and set(one) == set(other) and len(one) >= 2)
    if found.paired:
        expected = sorted((x, y) for key, x in a for twin, y in b if key == twin)
        assert sorted(zip(found.a, found.b, strict=True)) == expected
