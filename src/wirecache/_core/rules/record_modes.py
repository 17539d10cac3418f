"""Record modes: whether a cassette plays, records or refuses a request. vcrpy's modes, as one function."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from wirecache._core.mcp_session import McpSession
from wirecache._core.rules.fork import ForkPoint

if TYPE_CHECKING:
    from wirecache._core.privacy.redaction import Redactor

__all__ = ["Action", "CassettePlan", "RecordMode", "decide"]


class RecordMode(StrEnum):
    """What happens to a request, depending on whether it was recorded before.

    | mode | recorded | not recorded, new cassette | not recorded, cassette existed |
    |---|---|---|---|
    | ``none`` | play | refuse | refuse |
    | ``once`` | play | record | refuse |
    | ``new_episodes`` | play | record | record |
    | ``all`` | record, replacing the old one | record | record |
    | ``rewrite`` | as ``all``; what was not requested again is removed | record | record |
    | ``fork`` | play, up to the step where the run forks; from there on record | refuse | record |

    A fork reads this cassette and writes another one, its child, with both what was played and what was recorded.
    "Recorded" means before the cassette was opened. A request that is made twice while recording gives a sequence.
    """

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    ALL = "all"
    REWRITE = "rewrite"
    FORK = "fork"

    @property
    def replaces(self) -> bool:
        """Whether new recordings replace old ones."""
        return self in (RecordMode.ALL, RecordMode.REWRITE)


class Action(StrEnum):
    """What to do with one request."""

    PLAY = "play"
    RECORD = "record"
    REFUSE = "refuse"


class CassettePlan(NamedTuple):
    """What a flow needs to know about a cassette.

    ``existed``: it had recordings when it was opened. ``redactor``: applied before the key is made. ``how_to_record``: tells the user how
    to record what is missing. ``name``: its name in messages. ``verify``: every request is sent, and the answer only compared.
    ``ignore_hosts``: globs of hosts to leave alone. ``ignore_localhost``: leave this machine alone, too. ``fork``: where the run leaves
    its recording, in record mode ``fork``. ``mcp``: the state of MCP sessions.
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
    """Return whether to play, record or refuse. ``found``: there is a recording. ``existed``: the cassette is not new."""
    if found and not mode.replaces:
        return Action.PLAY
    if mode is RecordMode.NONE or (mode is RecordMode.ONCE and existed) or (mode is RecordMode.FORK and not existed):
        return Action.REFUSE
    return Action.RECORD
