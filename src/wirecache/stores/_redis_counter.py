"""Counters in Redis that survive lost replies: each addition counts exactly once, or not at all if its reply never arrived.

Redis executes a command that reached it even if nobody waits for the reply. So each addition leaves a mark, which the next one removes.
After an addition without a reply, the next one undoes it if its mark exists, and otherwise forbids it, since it may still arrive.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from wirecache.stores._redis_commands import milliseconds

__all__ = ["RedisCounter"]

# Adds to a hash, and returns all of it; 64-bit integers, exactly. KEYS: the hash, the marks of this addition, of the last one, and of the
# additions without a reply. ARGV: the time to live, then for each addition the number of its pairs and the pairs.
_COUNT = """
local at = 2
local function pairs_of_next()
  local first = at + 1
  at = first + 2 * tonumber(ARGV[at])
  return first, at - 1
end
local function add(first, last)
  for i = first, last, 2 do
    if redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) == 0 then redis.call('HDEL', KEYS[1], ARGV[i]) end
  end
end
local mine, mine_end = pairs_of_next()
for k = 4, #KEYS do
  local first, last = pairs_of_next()
  if redis.call('GET', KEYS[k]) == 'added' then add(first, last) end
  redis.call('SET', KEYS[k], 'forbidden', 'PX', 3600000)
end
redis.call('UNLINK', KEYS[3])
if mine < mine_end and not redis.call('GET', KEYS[2]) then
  add(mine, mine_end)
  redis.call('SET', KEYS[2], 'added', 'PX', 3600000)
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('HGETALL', KEYS[1])
"""


class RedisCounter:
    """The counters of one store. ``run``: calls a function with a client, and raises ``StoreError``.

    ``prefix``: of the names of counters and marks, with a hash tag so that they are on one node of a cluster.
    """

    def __init__(self, run: Callable[[Callable[[Any], Any]], Any], prefix: str) -> None:
        self._run = run
        self._prefix = prefix
        self.after_fork()

    def after_fork(self) -> None:
        """Start afresh: additions without a reply belong to the parent."""
        self._lock = threading.Lock()
        self._unanswered: dict[str, dict[str, Mapping[str, int]]] = {}  # by the names of counters and their marks
        self._last: dict[str, str] = {}  # the mark of the last addition with a reply

    def count(self, name: str, amounts: Mapping[str, int], ttl: float) -> dict[str, int]:
        """Add the amounts to the counter and return its sums. If it raises, nothing is added, at the latest from the next call on."""
        mark, in_doubt = f"{self._prefix}mark:{os.urandom(8).hex()}", False
        with self._lock:
            unanswered = dict(self._unanswered.get(name, {}))
            last = self._last.pop(name, mark)
        keys = [self._prefix + name, mark, last, *unanswered]
        undone = ({key: -amount for key, amount in added.items()} for added in unanswered.values())
        arguments = [part for added in (amounts, *undone) for part in (len(added), *(item for pair in added.items() for item in pair))]

        from redis.exceptions import ResponseError

        def send(client: Any) -> Any:
            nonlocal in_doubt
            in_doubt = bool(amounts)
            try:
                return client.eval(_COUNT, len(keys), *keys, milliseconds(ttl), *arguments)
            except ResponseError:
                in_doubt = False
                raise

        try:
            found = self._run(send)
        except BaseException:
            if in_doubt:
                with self._lock:
                    self._unanswered.setdefault(name, {})[mark] = dict(amounts)
            raise
        with self._lock:
            self._last[name] = mark
            for one in unanswered:
                self._unanswered[name].pop(one, None)
        return {found[i].decode("utf-8", "replace"): int(found[i + 1]) for i in range(0, len(found), 2)}
