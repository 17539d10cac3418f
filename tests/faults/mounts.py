"""File systems that are really full, or really read-only: a tmpfs, which root may mount."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["mounted", "remount"]

NO_MOUNT = "no tmpfs can be mounted here: that takes root on Linux"


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size in the folder; the test is skipped where none can be mounted."""
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip(NO_MOUNT)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip(NO_MOUNT)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def remount(folder: Path, option: str) -> None:
    """Mount it anew, with ``ro`` or ``rw`` or another size."""
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True, capture_output=True)
