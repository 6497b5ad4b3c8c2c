"""Whatever is logged reads back bit for bit, under whatever name and at whatever step; or the call says what is wrong."""

import decimal
import enum
import fractions
import math
import struct

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import runlake as rl

INT64 = (-(2**63), 2**63 - 1)


class Level(enum.IntEnum):
    LOW = 1
    HUGE = 2**60 + 1


class Weight(float):
    """A float that shows itself otherwise."""

    def __str__(self):
        return "heavy"


class Indexable:
    def __index__(self):
        return 7


class Floatable:
    def __float__(self):
        return 0.1


def bits(number):
    return struct.pack("<d", number)


def logged(lake, events, **options):
    """Log (data, step) pairs to a run; return (metric, step, value, text) as read, in the order of logging."""
    with rl.init("p", lake=lake, quiet=True, **options) as run:
        for data, step in events:
            run.log(data, step=step)
        live = as_logged(run)
        run.flush()
        assert as_logged(run) == live
    sealed = as_logged(run)
    assert sealed == live
    return [
        (metric, step, value and struct.unpack("<d", value)[0], text)
        for metric, step, value, text in sealed
    ]


def as_logged(run):
    """What a run's rows hold, floats as their bits, in the order of logging."""
    table = pl.DataFrame(rl.open(run.lake).metrics(runs=run.id, attempts="all")).sort("seq")
    rows = table.select("metric", "step", "value", "text").rows()
    return [
        (metric, step, None if value is None else bits(value), text)
        for metric, step, value, text in rows
    ]


NUMBERS = [
    (1.5, 1.5),
    (0.1, 0.1),
    (-0.0, -0.0),
    (math.inf, math.inf),
    (-math.inf, -math.inf),
    (5e-324, 5e-324),
    (-2.2250738585072009e-308, -2.2250738585072009e-308),
    (1.7976931348623157e308, 1.7976931348623157e308),
    (True, 1.0),
    (False, 0.0),
    (0, 0.0),
    (-3, -3.0),
    (2**53, 2.0**53),
    (-(2**53), -(2.0**53)),
    (Weight(0.25), 0.25),
    (Level.LOW, 1.0),
    (Indexable(), 7.0),
    (Floatable(), 0.1),
    (decimal.Decimal("0.5"), 0.5),
    (fractions.Fraction(1, 3), 1 / 3),
    (np.bool_(True), 1.0),
    (np.int8(-128), -128.0),
    (np.uint8(255), 255.0),
    (np.int16(-32768), -32768.0),
    (np.uint16(65535), 65535.0),
    (np.int32(-(2**31)), -(2.0**31)),
    (np.uint32(2**32 - 1), 2.0**32 - 1),
    (np.int64(-5), -5.0),
    (np.uint64(2**53), 2.0**53),
    (np.float16(0.1), float(np.float16(0.1))),
    (np.float32(0.1), float(np.float32(0.1))),
    (np.float64(0.1), 0.1),
    (np.float32("nan"), math.nan),
    (np.float64(-0.0), -0.0),
    (np.longdouble(0.5), 0.5),
    (np.array(0.1), 0.1),
    (np.array(3), 3.0),
    (np.array(True), 1.0),
    (np.array(0.1, dtype=np.float32), float(np.float32(0.1))),
]


def name(value):
    shown = "" if isinstance(value, (Indexable, Floatable)) else ascii(value)
    return f"{type(value).__module__}.{type(value).__qualname__} {shown}"


@pytest.mark.parametrize(("value", "expected"), NUMBERS, ids=[name(value) for value, _ in NUMBERS])
def test_a_number_reads_back_bit_for_bit(lake, value, expected):
    ((metric, step, found, text),) = logged(lake, [({"m": value}, 3)])
    assert (metric, step, text) == ("m", 3, None)
    assert bits(found) == bits(expected) or (math.isnan(found) and math.isnan(expected))


def test_the_bits_of_a_nan_are_kept(lake):
    payload = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_BEEF))[0]
    ((_, _, found, _),) = logged(lake, [({"m": payload}, 0)])
    assert bits(found) == bits(payload)


@pytest.mark.parametrize(
    ("value", "expected", "digits"),
    [
        (2**53 + 1, float(2**53), "9007199254740993"),
        (-(2**53) - 1, -float(2**53), "-9007199254740993"),
        (INT64[0], -float(2**63), str(INT64[0])),
        (INT64[1], float(2**63), str(INT64[1])),
        (2**64 + 1, float(2**64), str(2**64 + 1)),
        (10**400, math.inf, "1" + "0" * 400),
        (-(10**400), -math.inf, "-1" + "0" * 400),
        (np.uint64(2**64 - 1), float(2**64), str(2**64 - 1)),
        (np.int64(INT64[0] + 1), -float(2**63), str(INT64[0] + 1)),
        (np.array(2**60 + 1), float(2**60), str(2**60 + 1)),
        (Level.HUGE, float(2**60), str(2**60 + 1)),
    ],
    ids=lambda value: name(value)[:60],
)
def test_an_integer_past_2_to_the_53_keeps_its_digits(lake, value, expected, digits):
    assert logged(lake, [({"m": value}, 0)]) == [("m", 0, expected, digits)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "a\nb\tc\0d",
        "\U0001f680 \u0416 \u4e2d \u0627",
        "x" * 100_000,
        "NaN",
        np.str_("t"),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_a_text_reads_back_as_it_is(lake, text):
    assert logged(lake, [({"m": text}, 0)]) == [("m", 0, None, str(text))]


def test_one_metric_may_change_its_type(lake):
    values = [1, 2.5, "three", True, 2**60 + 1, np.float32(6), math.nan, "8", 9]
    found = logged(lake, [({"m": value}, step) for step, value in enumerate(values)])
    assert [text for _, _, _, text in found] == [
        None,
        None,
        "three",
        None,
        str(2**60 + 1),
        None,
        None,
        "8",
        None,
    ]
    assert [value for _, _, value, _ in found if value is None or not math.isnan(value)] == [
        1.0,
        2.5,
        None,
        1.0,
        float(2**60),
        6.0,
        None,
        9.0,
    ]


def test_one_event_may_hold_every_type(lake):
    event = {"a": 1, "b": {"c": 0.5, "d": {"e": "text"}}, "f": 2**60 + 1, "g": True, "h": {}}
    found = logged(lake, [(event, 7)])
    assert sorted(found, key=lambda row: row[0]) == [
        ("a", 7, 1.0, None),
        ("b/c", 7, 0.5, None),
        ("b/d/e", 7, None, "text"),
        ("f", 7, float(2**60), str(2**60 + 1)),
        ("g", 7, 1.0, None),
    ]


def test_ten_thousand_metrics_in_one_event_and_in_many(lake):
    names = [f"layer.{n}/weight:{n % 7}" for n in range(10_000)]
    events = [({name: n / 3 for n, name in enumerate(names)}, 0)]
    events += [({name: n}, 1) for n, name in enumerate(names)]
    found = logged(lake, events)
    expected = [(name, 0, n / 3, None) for n, name in enumerate(names)]
    expected += [(name, 1, float(n), None) for n, name in enumerate(names)]
    assert found == expected


def test_ten_thousand_long_names_in_one_event(lake):
    names = [f"{n}/" + "n" * 1000 for n in range(10_000)]
    found = logged(lake, [({name: n for n, name in enumerate(names)}, 0)])
    assert found == [(name, 0, float(n), None) for n, name in enumerate(names)]


NAMES = [
    "a/b:c.d%e=f g",
    "%2F..%00",
    "../../etc/passwd",
    "/absolute",
    "C:\\windows\\nul",
    "\u043f\u043e\u0442\u0435\u0440\u0438",
    "\u635f\u5931",
    "\u062e\u0633\u0627\u0631\u0629",
    "\U0001f4c9",
    "e\u0301",
    "\u00e9",
    "line\nbreak\ttab",
    "'; drop table runs; --",
    "x" * 1024,
    "\u635f" * 341,
    " ",
    ".",
    "null",
]


@pytest.mark.parametrize("kind", ["metric", "project", "id"])
def test_names_of_any_script_and_any_sign_read_back(lake, kind):
    if kind == "metric":
        found = logged(lake, [({name: n}, n) for n, name in enumerate(NAMES)])
        assert found == [(name, n, float(n), None) for n, name in enumerate(NAMES)]
        return
    for n, name in enumerate(NAMES):
        names = {"project": "p", "id": f"run {n}"} | {kind: name}
        with rl.init(**names, lake=lake, quiet=True) as run:
            run.log({"m": n})
        (row,) = rl.open(lake).metrics(runs=run.id, project=run.project).rows()
        assert (row[{"id": "run"}.get(kind, kind)], row["value"]) == (name, n)
    assert len(rl.open(lake).runs()) == len(NAMES)


def test_steps_may_come_in_any_order_repeat_and_be_negative(lake):
    steps = [5, 3, 3, -1, 0, INT64[0], INT64[1], 3, -(10**18), 7, 5]
    found = logged(lake, [({"m": n}, step) for n, step in enumerate(steps)])
    assert found == [("m", step, float(n), None) for n, step in enumerate(steps)]


def test_a_step_may_be_anything_that_is_an_integer(lake):
    steps = [True, np.int32(-4), np.uint64(2**63 - 1), np.array(9), Level.LOW, Indexable()]
    found = logged(lake, [({"m": 0}, step) for step in steps])
    assert [step for _, step, _, _ in found] == [1, -4, 2**63 - 1, 9, 1, 7]


values = st.one_of(
    st.floats(width=64),
    st.integers(),
    st.booleans(),
    st.text(max_size=50),
    st.floats(width=32, allow_nan=False).map(np.float32),
    st.integers(*INT64).map(np.int64),
)
names = st.text(
    st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=60
)
events = st.lists(
    st.tuples(st.dictionaries(names, values, min_size=1, max_size=80), st.integers(*INT64)),
    min_size=1,
    max_size=20,
)


def expected_cells(value):
    """The bits and the text that a value is stored as."""
    if isinstance(value, str):
        return None, value
    if isinstance(value, (bool, float, np.floating)):
        return bits(float(value)), None
    try:
        number = float(int(value))
    except OverflowError:
        number = math.copysign(math.inf, value)
    return bits(number), None if abs(int(value)) <= 2**53 else str(int(value))


@settings(max_examples=60)
@given(events)
def test_any_events_read_back(tmp_path_factory, events):
    lake = tmp_path_factory.mktemp("lake") / "lake"
    with rl.init("p", lake=lake, quiet=True) as run:
        for data, step in events:
            run.log(data, step=step)
    expected = [
        (name, step, *expected_cells(value))
        for data, step in events
        for name, value in data.items()
    ]

    def key(row):
        return (row[0], row[1], row[2] or b"", row[3] or "")

    assert sorted(as_logged(run), key=key) == sorted(expected, key=key)


class Broken:
    def __float__(self):
        raise RuntimeError("no number today")


BAD = [
    (None, "NoneType"),
    ([1.0], "list"),
    ((1.0,), "tuple"),
    ({1.0}, "set"),
    (b"bytes", "bytes"),
    (1j, "complex"),
    (object(), "object"),
    (int, "type"),
    (np.array([1.0, 2.0]), "numpy.ndarray of shape (2,)"),
    (np.array([], dtype=float), "numpy.ndarray of shape (0,)"),
    (np.array("text"), "numpy.ndarray of shape ()"),
    (np.complex64(1 + 2j), "numpy.complex64"),
    (np.datetime64("2020-01-01"), "numpy.datetime64"),
    (np.timedelta64(1, "s"), "numpy.timedelta64"),
    (np.bytes_(b"1"), "numpy.bytes_"),
    (Broken(), "Broken"),
    (10**5000, "int"),
    ("\ud800", "str"),
]


@pytest.mark.parametrize(("value", "kind"), BAD, ids=[kind for _, kind in BAD])
@pytest.mark.parametrize("around", [False, True], ids=["alone", "among others"])
def test_what_cannot_be_logged_is_named_with_its_key_and_what_can(lake, value, kind, around):
    event = {"good": 1, "nested": {"bad": value}, "after": 2} if around else {"nested/bad": value}
    with rl.init("p", lake=lake, quiet=True) as run:
        with pytest.raises(TypeError) as caught:
            run.log(event, step=1)
        assert 'metric "nested/bad": cannot log ' in str(caught.value)
        assert kind in str(caught.value)
        assert "expected a number, a text, a 0-d array or tensor, or a mapping of these" in str(
            caught.value
        )
    # Nothing of the call is recorded.
    assert len(rl.open(lake).metrics()) == 0


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (3, TypeError, "metric names are str, got int: 3"),
        (None, TypeError, "metric names are str, got NoneType: None"),
        (("a", "b"), TypeError, "metric names are str, got tuple"),
        (b"a", TypeError, "metric names are str, got bytes"),
        ("", rl.InvalidName, "metric name"),
        ("a\0b", rl.InvalidName, "metric name"),
        ("x" * 1025, rl.InvalidName, "metric name"),
        ("\ud800", rl.InvalidName, "metric name"),
    ],
    ids=lambda value: ascii(value)[:20],
)
@pytest.mark.parametrize("value", [1.0, "text"])
def test_a_key_that_is_no_name_is_named(lake, key, error, message, value):
    with rl.init("p", lake=lake, quiet=True) as run, pytest.raises(error, match=message):
        run.log({"good": 1, key: value})
    assert len(rl.open(lake).metrics()) == 0


@pytest.mark.parametrize("time", [math.nan, math.inf, 1e300, "now", [1]], ids=repr)
def test_a_time_that_is_none_is_named(lake, time):
    message = "time.*: expected a datetime or seconds since 1970 UTC"
    with (
        rl.init("p", lake=lake, quiet=True) as run,
        pytest.raises((TypeError, ValueError), match=message),
    ):
        run.log({"m": 1}, time=time)
    assert len(rl.open(lake).metrics()) == 0


class Interrupted:
    def __float__(self):
        raise KeyboardInterrupt


def test_an_interrupt_in_a_conversion_stays_one(lake):
    with rl.init("p", lake=lake, quiet=True) as run, pytest.raises(KeyboardInterrupt):
        run.log({"m": Interrupted()})


SCALARS = [
    np.float64(0.1),
    np.float32(0.1),
    np.float16(0.1),
    np.longdouble(0.1),
    np.float32("nan"),
    np.float64("-inf"),
    np.float64(-0.0),
    np.int64(-(2**53)),
    np.int64(2**53 + 1),
    np.int32(-7),
    np.uint8(200),
    np.bool_(True),
]
SWAPPED = np.dtype("f8").newbyteorder()


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda scalar: f"{scalar.dtype}-{scalar}")
@pytest.mark.parametrize("shape", ["scalar", "array", "view", "swapped"])
def test_numpy_scalars_and_arrays_of_no_dimension_are_logged_as_the_numbers_they_are(
    lake, scalar, shape
):
    value = {
        "scalar": scalar,
        "array": np.array(scalar),
        "view": np.array([[1, scalar]], dtype=scalar.dtype)[0, 1:].reshape(()),
        "swapped": np.array(float(scalar), SWAPPED),
    }[shape]
    # Twice: what is met for the first time goes another way than what is known.
    (first, again) = logged(lake, [({"x": value}, 0), ({"x": value}, 1)])
    number = float(value)
    assert bits(first[2]) == bits(again[2]) == bits(number) or math.isnan(number)
    exact = int(value) if np.issubdtype(value.dtype, np.integer) else 0
    digits = str(exact) if abs(exact) > 2**53 else None
    assert first[3] == again[3] == digits


def test_arrays_with_dimensions_are_refused_also_once_their_type_is_known(lake):
    with rl.init("p", lake=lake, quiet=True) as run:
        run.log({"x": np.array(0.5)})
        run.log({"x": np.array(0.5)})
        for array in (np.array([0.5, 0.5]), np.zeros((2, 1)), np.array([])):
            with pytest.raises(TypeError, match="x"):
                run.log({"x": array})
        assert run.logged_rows == 2
