"""A cassette in all record modes against lists of answers: what is sent, what is replayed in which order, and what files there are.

A case is some uses of one cassette, one after the other; between them somebody edits or deletes files.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from hypothesis import strategies as st

from tests.fuzz.target import Target
from tests.provider import CHAT
from wirecache import Cassette
from wirecache.cassette import SCHEMA_NAME
from wirecache.httpx import cached_client

URL = "https://api.example/v1/chat/completions"
PROMPTS = ("a", "b", "c")


class Answer(NamedTuple):
    status: int
    text: str


Tape = dict[str, list[Answer]]  # the recordings, by prompt, each sequence in its order


class Use:
    """One use of the cassette, as the table of record modes and the guide have it."""

    def __init__(self, tape: Tape, use: dict[str, Any]) -> None:
        self.mode, self.repeats, self.verify = use["mode"], use["end"] == "repeat", use["verify"]
        self.before = {prompt: list(answers) for prompt, answers in tape.items()}
        self.existed = any(tape.values())
        self.played: Counter[str] = Counter()
        self.recorded: Tape = {prompt: [] for prompt in PROMPTS}  # of each prompt, in this use
        self.pending: Tape = {prompt: [] for prompt in PROMPTS}  # equal to the last one
        self.last: dict[str, Answer] = {}
        self.replayed = self.kept = self.missing = self.drifted = 0

    @property
    def replaces(self) -> bool:
        return self.mode in ("all", "rewrite")

    def next(self, prompt: str) -> Answer | None:
        """Return what is replayed next; None if there is nothing."""
        answers, at = self.before[prompt], self.played[prompt]
        if not answers or (at >= len(answers) and not self.repeats):
            return None
        self.played[prompt] += 1
        return answers[min(at, len(answers) - 1)]

    def ask(self, prompt: str, live: Answer) -> Answer | None:
        """Return what the caller gets; None if it is refused. ``live``: what upstream would answer."""
        if self.verify:
            stored = self.next(prompt)
            self.drifted += stored is None or stored.status != live.status or (self.verify == "text" and stored != live)
            return live
        stored = None if self.replaces else self.next(prompt)
        if stored is not None:
            self.replayed += 1
            return stored
        if self.mode == "none" or (self.mode == "once" and self.existed):
            self.missing += 1
            return None
        self.record(prompt, live)
        return live

    def record(self, prompt: str, live: Answer) -> None:
        self.kept += 1
        if self.repeats and self.last.get(prompt) == live:
            self.pending[prompt].append(live)
        else:
            self.recorded[prompt] += [*self.pending[prompt], live]
            self.pending[prompt] = []
        self.last[prompt] = live

    def discard(self, prompt: str) -> None:
        self.before[prompt], self.pending[prompt] = [], []
        self.last.pop(prompt, None)
        self.recorded[prompt] = []

    def end(self) -> Tape:
        """Return the recordings that there are when it is closed."""
        tape = {}
        for prompt, old in self.before.items():
            new = self.recorded[prompt]
            if not self.replaces or self.verify:
                tape[prompt] = old + new
            elif new or self.mode == "rewrite":
                tape[prompt] = new
            else:
                tape[prompt] = old
        return tape


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tape: Tape = {prompt: [] for prompt in PROMPTS}
        self.count = self.calls = 0
        self.live: dict[str, Answer] = {}

    def use(self, use: dict[str, Any]) -> None:
        model = Use(self.tape, use)
        with Cassette(self.folder, use["mode"], sequence_end=use["end"], verify=use["verify"]) as cassette:
            with cached_client(cassette, transport=httpx.MockTransport(self.upstream)) as client:
                for what, prompt, detail in use["steps"]:
                    if what == "discard":
                        self.discard(cassette, prompt)
                        model.discard(prompt)
                    else:
                        self.ask(client, model, prompt, detail)
            report = cassette.report()
            assert (report.replayed, report.recorded, len(report.missing)) == (model.replayed, model.kept, model.missing), report
            assert len(cassette.drift) == model.drifted, cassette.drift
        self.tape = model.end()

    def ask(self, client: httpx.Client, model: Use, prompt: str, detail: int) -> None:
        """Make a request; upstream repeats itself for it, or says something new, perhaps with an error."""
        if detail or prompt not in self.live:
            self.count += 1
            self.live[prompt] = Answer(500 if detail == 2 else 200, f"{prompt} {self.count}")
        before, expected = self.calls, model.ask(prompt, self.live[prompt])
        sent = model.verify or (expected is not None and model.last.get(prompt) is expected)
        response = client.post(URL, json={"model": "m", "messages": [{"role": "user", "content": prompt}]})
        if expected is None:
            assert (response.status_code, self.calls) == (424, before)
            return
        assert (response.status_code, text_of(response.json())) == expected
        assert self.calls == before + bool(sent), "it was sent" if self.calls > before else "it was not sent"

    def upstream(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        answer = self.live[json.loads(request.content)["messages"][0]["content"]]
        body = {**CHAT, "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer.text}}]}
        return httpx.Response(
            answer.status, headers={"content-type": "application/json"}, stream=httpx.ByteStream(json.dumps(body).encode())
        )

    @staticmethod
    def discard(cassette: Cassette, prompt: str) -> None:
        for key in {entry.key for entry in cassette.entries() if prompt_of(json.loads(bytes(entry.request_body))) == prompt}:
            cassette.discard(key)

    # -- between two uses ---------------------------------------------------------------------------------------------

    def edit(self, what: str, prompt: str, at: int) -> None:
        """Edit or delete one of the files, or put another one there."""
        files = self.files()[prompt]
        if what == "note":
            self.folder.mkdir(exist_ok=True)
            (self.folder / "notes.json").write_text("{}")
        elif files and what == "delete":
            files.pop(at % len(files)).unlink()
            del self.tape[prompt][at % len(self.tape[prompt])]
        elif files:
            self.count += 1
            path, old = files[at % len(files)], self.tape[prompt][at % len(files)]
            new = old._replace(text=f"edited {self.count}")
            path.write_text(path.read_text("utf-8").replace(json.dumps(old.text), json.dumps(new.text)), "utf-8")
            self.tape[prompt][at % len(files)] = new

    def files(self) -> dict[str, list[Path]]:
        """Return the files of each prompt, in the order of their numbers."""
        found: dict[str, list[Path]] = {prompt: [] for prompt in PROMPTS}
        paths = [path for path in self.folder.glob("*.json") if path.name not in (SCHEMA_NAME, "notes.json")]
        for path in sorted(paths, key=lambda path: (len(path.name), path.name)):
            found[prompt_of(json.loads(path.read_text("utf-8"))["request"]["body"]["json"])].append(path)
        return found

    def check(self) -> None:
        """The files are the recordings of the model, each sequence in its order."""
        found = {
            prompt: [
                Answer(response["status"], text_of(response["body"]["json"]))
                for response in (json.loads(path.read_text("utf-8"))["response"] for path in paths)
            ]
            for prompt, paths in self.files().items()
        }
        assert found == self.tape
        assert not list(self.folder.glob(".*.tmp"))


def prompt_of(request: Any) -> str:
    prompt: str = request["messages"][0]["content"]
    return prompt


def text_of(answer: Any) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


STEPS = st.tuples(
    st.sampled_from(["ask", "ask", "ask", "ask", "ask", "discard"]), st.sampled_from(["a", "a", "b", "c"]), st.sampled_from([0, 1, 1, 2])
)
USES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["none", "once", "once", "new_episodes", "new_episodes", "all", "rewrite"]),
        "end": st.sampled_from(["repeat", "fail"]),
        "verify": st.sampled_from([None, None, None, "shape", "text"]),
        "steps": st.lists(STEPS, max_size=8),
        "edits": st.lists(
            st.tuples(st.sampled_from(["delete", "delete", "edit", "note"]), st.sampled_from(["a", "a", "b", "c"]), st.integers(0, 4)),
            max_size=3,
        ),
    }
)
CASES = st.lists(USES, min_size=2, max_size=6)


def play(case: list[dict[str, Any]]) -> None:
    """Use the cassette once after the other, and compare the files each time."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "tape")
        for use in case:
            world.use(use)
            world.check()
            for edit in use["edits"]:
                world.edit(*edit)
                world.check()


TARGETS = [Target("recording", CASES, play)]
