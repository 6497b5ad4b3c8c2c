"""Disks in trouble: one that refuses, stalls or kills at the test's word, and mounts of real file systems."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_until

READ_ONLY, REMOUNT, BIND, MOVE, DETACH = 1, 32, 4096, 8192, 2


class FaultyDisk:
    """A folder whose changes are refused, delayed, or kill the thread that makes them.

    That is so in processes that have `environment`, which preload faulty_disk.c.
    """

    def __init__(self, library: Path, control: Path, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "FAULTY_DISK": f"{control}:{folder}",
        }
        control.write_bytes(bytes(4096))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), 0)

    def set(self, *, refuse: int = 0, delay_ms: int = 0, kill_thread: bool = False) -> None:
        """Say what happens from now on; all left out: nothing."""
        struct.pack_into("<3i", self._control, 0, refuse, delay_ms, kill_thread)

    def end_writer(self, pid: int) -> None:
        """Return once a process is without its writer's thread: the next that it does with the disk ends it."""
        # Threads are told by their names, as a process has others that come and go. One that starts has its name soon.
        wait_until(lambda: "runlake-writer" in thread_names(pid), "the writer's thread has begun")
        self.set(kill_thread=True)
        wait_until(lambda: "runlake-writer" not in thread_names(pid), "the writer's thread is gone")
        self.set()


def thread_names(pid: int) -> set[str]:
    """Return the names of a process's threads."""
    names = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # It ended since.
            names.add((task / "comm").read_text().strip())
    return names


def compiled(source: Path, folder: Path) -> Path:
    """Return a library made of a C file, to be preloaded."""
    if sys.platform != "linux" or not shutil.which("cc"):
        pytest.skip("needs a C compiler, for a library that is preloaded by LD_PRELOAD")
    library = folder / source.with_suffix(".so").name
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def mount(
    source: object, target: Path, kind: str = "", options: str = "", *, flags: int = 0
) -> None:
    """Mount a file system, as mount(2)."""
    if sys.platform != "linux":
        pytest.skip("needs Linux, to mount a file system")
    libc = ctypes.CDLL(None, use_errno=True)
    texts = (str(text).encode() for text in (source, target, kind))
    if libc.mount(*texts, flags, options.encode()):
        code = ctypes.get_errno()
        if code in (errno.EPERM, errno.EACCES):
            pytest.skip(f"needs the right to mount a file system: {os.strerror(code)}")
        raise OSError(code, os.strerror(code), str(target))


def make_read_only(folder: Path, aside: Path) -> None:
    """Make what is opened below a folder from now on read-only, until it is unmounted."""
    aside.mkdir()
    mount(folder, aside, flags=BIND)
    mount("none", aside, flags=BIND | REMOUNT | READ_ONLY)
    mount(aside, folder, flags=MOVE)


def unmount(target: Path) -> bool:
    """Unmount what was mounted last on a folder, also while its files are open; whether there was anything."""
    return ctypes.CDLL(None).umount2(str(target).encode(), DETACH) == 0
