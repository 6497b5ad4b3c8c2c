"""Display names for runs that were given none: two words that follow from the run's id."""

from __future__ import annotations

_FIRST = (
    "amber azure bold brave brief bright brisk calm clear clever cool coral cosmic crisp deep eager early earnest easy fair "
    "fast fine firm fleet fond free fresh gentle glad golden good grand green happy honest humble ivory jolly keen kind light "
    "lively lucid lucky mellow merry mild neat nimble noble pale patient plain proud quick quiet rapid ready rosy round royal"
).split()
_SECOND = (
    "acorn alder aspen badger beacon birch breeze brook canyon cedar cliff cloud comet crane creek dawn delta dune eagle ember "
    "falcon fern finch fjord forest fox garden glade grove harbor hawk hazel heron hill island lagoon lake lark leaf maple "
    "marsh meadow moon moss oak orchid otter owl pebble pine plover pond poplar raven reef ridge river robin sparrow spring "
    "star stone swift tern"
).split()


def name_of(run_id: str) -> str:
    """Return two words and a number for a run id; the same for the same id."""
    import zlib

    number = zlib.crc32(run_id.encode())
    number, first = divmod(number, len(_FIRST))
    number, second = divmod(number, len(_SECOND))
    return f"{_FIRST[first]}-{_SECOND[second]}-{number % 1000}"
