"""Could somebody else have written this settings file? It decides where prompts go, so it is obeyed only if nobody else could."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["distrust_reason"]

ROOT = 0  # the id of the user, and of the group, that may do everything anyway


def distrust_reason(path: Path) -> str | None:
    """Return why somebody else could have written the file, or None if nobody could. Not asked where there are no such owners (Windows).

    Looked at are the file, its directory, and those that a symbolic link leads to: whoever may write to a directory may replace
    what is in it, but for one with the sticky bit (``/tmp``).
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
        return None  # the mode of a link says nothing
    if status.st_mode & stat.S_IWOTH:
        return f"{item} can be written by everybody"
    if status.st_mode & stat.S_IWGRP and not _is_private_group(status.st_gid):
        return f"{item} can be written by a group ({status.st_gid})"
    return None


def _is_private_group(group: int) -> bool:
    """Return whether the group is this user's alone, as most systems make one for each user (with a umask of 002)."""
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
