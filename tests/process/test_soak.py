"""Writers and readers on one lake at once, for some seconds; `python3 tools/dev.py soak` is the same for ten minutes."""

import re
import subprocess
import sys
from pathlib import Path

from waiting import TIMEOUT_SECS

SOAK = Path(__file__).with_name("soak.py")


def test_nothing_is_lost_and_no_reader_sees_an_error(tmp_path):
    asked = ["--writers", "8", "--readers", "2", "--seconds", "2", "--lake", tmp_path / "lake"]
    done = subprocess.run(
        [sys.executable, SOAK, *asked],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECS,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"8 writers \(2 of them in one run\), 2 readers, 2 s: [\d,]+ rows in \d+ runs, 0 lost, 0 doubled; "
        r"[\d,]+ readings, 0 errors\n",
        done.stdout,
    )
