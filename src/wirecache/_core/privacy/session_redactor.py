"""The redactor of one session of a cassette, which also redacts each value that has once been secret by its name.

If a tool returns ``{"password": ...}``, the password may occur in the text of the next turn, where no name marks it.
A replayed session, whose answers have ``REDACTED`` instead, must learn the same values: see ``learn_from_answer``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wirecache._core.privacy.known_values import KnownValues
from wirecache._core.privacy.patterns import REDACTED, Pattern
from wirecache._core.privacy.redaction import Redactor

__all__ = ["SessionRedactor"]

SHORTEST, SHORTEST_WORD, LONGEST = 5, 6, 4096  # characters of a value; shorter ones are too likely to be ordinary
# Placeholders for secrets, which are ordinary in text.
_PLACEHOLDER = re.compile(
    r"\W*(?:anonymous|api[ _-]?key|array|basic|bearer|boolean|change-?me|default|digest|disabled|dummy|enabled|example|fake|filtered"
    r"|hidden|integer|masked|none|null|number|oauth2?|object|optional|passw(?:or)?d|placeholder|public|redacted|removed|required|scrubbed"
    r"|secret|string|test(?:ing)?|token|true|false|undefined|unknown|your[\w-]*)\W*",
    re.IGNORECASE,
)


class _Derived(Redactor):
    """A redactor with the names and patterns of another one, and further ``patterns``."""

    __slots__ = ()

    def __init__(self, base: Redactor, patterns: Sequence[Pattern] = ()) -> None:
        super().__init__()
        self._marks, self._names, self._patterns = base._marks, base._names, (*base._patterns, *patterns)


class SessionRedactor(_Derived):
    """A redactor that learns values; ``base`` is the one that does not. Thread-safe."""

    __slots__ = ("_base", "_in_clear", "_values")

    def __init__(self, base: Redactor) -> None:
        super().__init__(base)
        self._base = base
        self._values = KnownValues()
        self._in_clear = KnownValues()

    @property
    def known(self) -> int:
        """The number of values learned."""
        return len(self._values)

    @property
    def base(self) -> Redactor:
        """The redactor without learned values."""
        return self._base

    def snapshot(self) -> Redactor:
        """Return a redactor that knows the values learned so far and learns no more."""
        return _Derived(self._base, [self._values.until(self.known)]) if self.known else self._base

    def copy(self) -> SessionRedactor:
        """Return a copy that learns values independently."""
        copied = SessionRedactor(self._base)
        copied._values, copied._in_clear = self._values.copy(), self._in_clear.copy()
        copied._search_for_known()
        return copied

    def learn_from_answer(self, body: bytes, request: str) -> None:
        """Learn the secrets that the body of an answer names.

        Values that its ``request`` has in clear text are excluded from now on, since the file has them in clear text, too: on replay,
        the answer would not mark them as secret, and the following requests would not find their recordings.
        """
        listener = _Listener(self._base)
        listener.data(body)
        for secret in listener.secrets:
            value = KnownValues()
            value.add(secret.strip())
            if any(value.finditer(request)):
                self._in_clear.add(secret.strip())
            else:
                self._learn(secret)

    def _named(self, spelled: str, value: str) -> str:
        self._learn(value)
        return super()._named(spelled, value)

    def _learn(self, secret: str) -> None:
        """Redact this value from now on, unless it is too ordinary to be distinguished from text."""
        value = secret.strip()
        if value not in self._values and _is_distinctive(value) and value not in self._in_clear:
            self._values.add(value)
            self._search_for_known()

    def _search_for_known(self) -> None:
        if self.known:
            self._patterns = (*self._base._patterns, self._values)


class _Listener(_Derived):
    """A redactor that collects the ``secrets`` that it finds by name."""

    __slots__ = ("secrets",)

    def __init__(self, base: Redactor) -> None:
        super().__init__(base)
        self.secrets: list[str] = []

    def _named(self, spelled: str, value: str) -> str:
        if value and value != REDACTED:
            self.secrets.append(value)
        return super()._named(spelled, value)


def _is_distinctive(value: str) -> bool:
    if REDACTED in value or not SHORTEST <= len(value) <= LONGEST or _PLACEHOLDER.fullmatch(value):
        return False
    return len(value) >= SHORTEST_WORD or not (value.isalpha() or value.isdigit())
