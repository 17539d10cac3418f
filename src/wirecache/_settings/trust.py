"""Whether somebody else could have written a settings file, which decides where prompts go and so must be the user's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["distrust_reason"]

ROOT = 0  # the id of the user and the group that may do anything


def distrust_reason(path: Path) -> str | None:
    """Return why somebody else could have written the file, or None if nobody could, or if the system has no such owners (Windows).

    Checked are the file, its directory, and those that a symbolic link leads to: whoever may write to a directory may replace
    what is in it, unless it has the sticky bit (``/tmp``).
    """
    if not hasattr(os, "getuid"):
        return None
    real = path.resolve()
    for item in dict.fromkeys((path, path.parent, real, real.parent)):
        try:
            status = item.lstat()
        except OSError as error:
            return f"{item} cannot be looked at: {error}"
        if reason := _reason(item, status):
            return reason
    return None


def _reason(item: Path, status: os.stat_result) -> str | None:
    if status.st_uid not in (os.getuid(), ROOT):
        return f"{item} belongs to another user ({status.st_uid})"
    if stat.S_ISLNK(status.st_mode) or (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
        return None  # the mode of a link has no meaning
    if status.st_mode & stat.S_IWOTH:
        return f"{item} can be written by everybody"
    if status.st_mode & stat.S_IWGRP and not _is_private_group(status.st_gid):
        return f"{item} can be written by a group ({status.st_gid})"
    return None


def _is_private_group(group: int) -> bool:
    """Return whether the group contains only this user: most systems create one for each user (with a umask of 002)."""
    if group == ROOT:
        return True
    if group != os.getgid():
        return False
    import grp
    import pwd

    try:
        return set(grp.getgrgid(group).gr_mem) <= {pwd.getpwuid(os.getuid()).pw_name, "root"}
    except KeyError:  # a container's user without an entry
        return True
