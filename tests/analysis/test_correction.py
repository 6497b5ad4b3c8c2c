"""Corrected p values are those of the papers, of SciPy, and of the plain definitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runlake import InvalidArgument
from runlake.analysis.correction import adjusted, check

# Benjamini and Hochberg 1995, section 4.2: fifteen endpoints of Neuhaus et al. 1992.
NEUHAUS = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
NEUHAUS += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def below(p, alpha=0.05):
    return sum(value < alpha for value in p)


def test_the_example_of_benjamini_and_hochberg():
    assert below(adjusted(NEUHAUS, "bonferroni")) == 3
    assert below(adjusted(NEUHAUS, "bh")) == 4


def test_the_step_down_of_holm_by_hand():
    assert adjusted([0.01, 0.04, 0.03, 0.005], "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(probabilities)
def test_the_false_discovery_rate_is_that_of_scipy(p):
    stats = pytest.importorskip("scipy.stats")
    assert adjusted(p, "bh") == pytest.approx(list(stats.false_discovery_control(p)))


@given(probabilities, st.floats(0.001, 0.999))
def test_holm_rejects_what_its_definition_rejects(p, alpha):
    rejected = set()
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        if p[place] * (len(p) - rank) >= alpha:
            break
        rejected.add(place)
    corrected = adjusted(p, "holm")
    assert {place for place, value in enumerate(corrected) if value < alpha} == rejected


@given(probabilities)
def test_no_correction_makes_p_smaller_and_bonferroni_is_the_strictest(p):
    bh, holm, bonferroni = (adjusted(p, name) for name in ("bh", "holm", "bonferroni"))
    for plain, *corrected in zip(p, bh, holm, bonferroni, strict=True):
        assert [plain, *corrected] == sorted([plain, *corrected])


def test_tests_that_could_not_be_made_count_for_nothing():
    assert adjusted([None, 0.02, None, 0.03], "bonferroni") == [None, 0.04, None, 0.06]


def test_an_unknown_correction_is_refused():
    with pytest.raises(InvalidArgument, match="holm, bh, bonferroni or None, got 'fdr'"):
        check("fdr")
