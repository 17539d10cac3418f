"""May a cassette be played from, and may it be written to? vcrpy's record modes, as one function."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from wirecache._core.mcp_session import McpSession
from wirecache._core.rules.fork import ForkPoint

if TYPE_CHECKING:
    from wirecache._core.privacy.redaction import Redactor

__all__ = ["Action", "CassettePlan", "RecordMode", "decide"]


class RecordMode(StrEnum):
    """What happens to a request, by whether it was recorded before.

    | mode | recorded | not recorded, new cassette | not recorded, cassette existed |
    |---|---|---|---|
    | ``none`` | play | refuse | refuse |
    | ``once`` | play | record | refuse |
    | ``new_episodes`` | play | record | record |
    | ``all`` | record, in place of the old one | record | record |
    | ``rewrite`` | as ``all``; and what was not requested again is removed | record | record |
    | ``fork`` | play, up to the step where the run forks; from there on record | refuse | record |

    A fork reads this cassette and writes another one, its child, which has both what was played and what was recorded.
    "Recorded" means: before the cassette was opened. A request that is made twice while it is recorded makes a sequence.
    """

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    ALL = "all"
    REWRITE = "rewrite"
    FORK = "fork"

    @property
    def replaces(self) -> bool:
        """Whether new recordings take the place of old ones."""
        return self in (RecordMode.ALL, RecordMode.REWRITE)


class Action(StrEnum):
    """What to do with one request."""

    PLAY = "play"
    RECORD = "record"
    REFUSE = "refuse"


class CassettePlan(NamedTuple):
    """What a flow must know of a cassette.

    ``existed``: there were recordings when it was opened. ``redactor``: applied before the key is made. ``how_to_record``: what a user
    does to record what is missing. ``name``: of the cassette, in messages. ``verify``: every request goes out, and is only compared.
    ``ignore_hosts``: globs of hosts that are left alone. ``ignore_localhost``: this machine is, too. ``fork``: where the run leaves its
    recording, for that record mode. ``mcp``: what is remembered of sessions of MCP.
    """

    record_mode: RecordMode
    existed: bool
    redactor: Redactor
    name: str
    how_to_record: str
    verify: bool = False
    ignore_hosts: tuple[str, ...] = ()
    ignore_localhost: bool = False
    fork: ForkPoint | None = None
    mcp: McpSession | None = None


def decide(mode: RecordMode, found: bool, existed: bool) -> Action:
    """Play, record or refuse? ``found``: there is a recording. ``existed``: the cassette is not new."""
    if found and not mode.replaces:
        return Action.PLAY
    if mode is RecordMode.NONE or (mode is RecordMode.ONCE and existed) or (mode is RecordMode.FORK and not existed):
        return Action.REFUSE
    return Action.RECORD
