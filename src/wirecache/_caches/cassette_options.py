"""The options of a cassette, checked when it is created: an invalid one raises ``ConfigError`` at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from wirecache._core.keys.keys import KeyOptions
from wirecache._core.privacy.redaction import Redactor
from wirecache._core.rules.fork import ForkPoint
from wirecache._core.rules.left_alone import parse_hosts
from wirecache._core.rules.plan import Mode, Plan, Streams
from wirecache._core.rules.record_modes import RecordMode
from wirecache._core.unset import UNSET
from wirecache._settings.files import file_settings
from wirecache._settings.parsers import parse_mode, parse_step, parse_text
from wirecache._settings.sources import setting
from wirecache.cassette._directory import Directory
from wirecache.cassette._fork import ForkSession, free_child
from wirecache.cassette._session import CassetteSession, SequenceEnd, Verify
from wirecache.errors import ConfigError

__all__ = ["check_match", "how_to_record", "ignored_hosts", "open_session", "plan_of"]


def open_session(
    directory: Directory,
    mode: RecordMode,
    *,
    sequence_end: SequenceEnd,
    verify: Verify | None,
    from_step: int | None,
    child: str | None,
) -> tuple[CassetteSession, ForkPoint | None]:
    """Return the session of a cassette, and the point where its run forks, if it does."""
    if sequence_end not in ("repeat", "fail"):
        raise ConfigError(f"sequence_end must be 'repeat' or 'fail', got {sequence_end!r}")
    if verify not in (None, "shape", "text"):
        raise ConfigError(f"verify must be 'shape', 'text' or None, got {verify!r}")
    if mode is not RecordMode.FORK:
        if child is not None or from_step is not None:
            raise ConfigError(f"from_step and child need record_mode='fork', got record_mode={mode.value!r}")
        return CassetteSession(directory, mode, sequence_end, verify), None
    if verify is not None:
        raise ConfigError("verify cannot be combined with record_mode='fork': it writes nothing")
    point = ForkPoint(setting("from_step", UNSET if from_step is None else from_step, parse_step, {}, None))
    return ForkSession(directory, _child_of(directory, child), sequence_end, point), point


def _child_of(parent: Directory, given: str | None) -> Directory:
    """Return the directory to which a fork is written. All processes of a run share the one of ``WIRECACHE_CHILD``."""
    shared = setting("child", UNSET, parse_text, {}, "") if given is None else ""
    child = Directory(given or shared or free_child(str(parent.path)), parent.options, parent.redactor)
    if child.path == parent.path:
        raise ConfigError(f"child must be another directory than the cassette, got {given or shared!r}")
    if not shared and child.names():
        raise ConfigError(f"child must be a directory without recordings, got {given!r}, which has {len(child.names())}")
    return child


def plan_of(match: KeyOptions, miss: Literal["respond", "raise"], replay_speed: float) -> Plan:
    """Return the settings of a cassette; mode and namespace come from the environment and the settings file, as for a cache.

    Of the modes only offline applies: a mode that is set for caches must not make a cassette's tests send anything.
    """
    file = file_settings()
    mode = setting("mode", UNSET, parse_mode, file, Mode.AUTO)
    return Plan(
        mode=Mode.OFFLINE if mode is Mode.OFFLINE else Mode.AUTO,
        ttl=None,
        namespace=setting("namespace", UNSET, parse_text, file, ""),
        key=match,
        streams=Streams.RECORD,
        miss=miss,
        replay_speed=replay_speed,
    )


def ignored_hosts(hosts: str | Iterable[str]) -> tuple[str, ...]:
    try:
        return parse_hosts(hosts)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def check_match(match: KeyOptions, redactor: Redactor) -> None:
    """Raise ``ConfigError`` for what a cassette does not hold, and so cannot compare."""
    if not isinstance(match, KeyOptions):
        raise ConfigError(f"match must be a KeyOptions, got {match!r}")
    if match.credentials:
        raise ConfigError("match must not have credentials=True: a cassette holds no credentials, so none can be compared")
    for name in match.headers:
        if redactor.header(name, "x") is None:
            raise ConfigError(f"match must not have {name!r} among its headers: a cassette does not hold it, so it cannot be compared")


def how_to_record(path: str, *, by_variable: bool) -> str:
    by_argument = f"Cassette({path!r}, record_mode='new_episodes')"
    return f"run it once with {by_argument}" + (", or with WIRECACHE_RECORD_MODE=new_episodes" if by_variable else "")
