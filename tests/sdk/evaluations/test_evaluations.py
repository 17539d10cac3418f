"""Frameworks for evaluations ask each question several times. A second run sends nothing and has the same scores: ``make evaluations``.

The model never answers twice alike, so that a repetition which got another one's answer shows.
"""

from __future__ import annotations

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # LiteLLM would fetch its prices when it is imported

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import dspy
import inspect_ai
import litellm  # noqa: F401  # the frameworks import it in a call, which takes long
import pytest
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes, mean, scorer
from inspect_ai.solver import generate

from tests.guide.documents import Block, blocks
from tests.guide.running import run_block
from tests.provider import CHAT, Answer, Provider, ReceivedRequest
from tests.proxy.serving import serving
from wirecache import Cache, Cassette, install, samples

QUESTIONS = [f"How much is {number} and 1?" for number in range(5)]
DRAWS = 4
ALL = len(QUESTIONS) * DRAWS

# The frameworks leave connections and event loops to the garbage collector, and warn of what their own dependencies do.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What a test left to the garbage collector warns within it, where that is ignored."""
    yield
    gc.collect()


class Result(NamedTuple):
    """What a run found: its score, and the answers to each question, in no order."""

    score: float
    answers: dict[str, Counter[str]]

    @property
    def distinct(self) -> int:
        return len({answer for found in self.answers.values() for answer in found})

    @property
    def all(self) -> int:
        return sum(found.total() for found in self.answers.values())


@scorer(metrics=[mean()])
def right() -> inspect_ai.scorer.Scorer:
    return includes()


def with_inspect(url: str, folder: Path) -> Result:
    """inspect-ai: each sample in ``epochs``, several connections at a time."""
    task = inspect_ai.Task(
        dataset=[Sample(input=question, target="right") for question in QUESTIONS], solver=generate(), scorer=right(), epochs=DRAWS
    )
    (log,) = inspect_ai.eval(
        task,
        model="openai/gpt-4o-mini",
        model_base_url=f"{url}/v1",
        model_args={"api_key": "k"},
        display="none",
        log_dir=str(folder / "logs"),
        max_connections=8,
        temperature=1,
    )
    assert log.status == "success"
    assert log.results is not None
    assert log.samples is not None
    answers = {question: Counter[str]() for question in QUESTIONS}
    for sample in log.samples:
        answers[str(sample.input)][sample.output.completion] += 1
    return Result(log.results.scores[0].metrics["mean"].value, answers)


def with_dspy(url: str, _: Path, engine: str = "litellm") -> Result:
    """DSPy: a set with each example several times, by threads."""
    model = dspy.LM("openai/gpt-4o-mini", api_base=f"{url}/v1", api_key="k", engine=engine, cache=False, temperature=1.0)
    examples = [dspy.Example(question=question, answer="right").with_inputs("question") for question in QUESTIONS for _ in range(DRAWS)]
    evaluate = dspy.Evaluate(devset=examples, metric=lambda example, found, _=None: example.answer in found.answer, num_threads=8)
    with dspy.context(lm=model):
        result = evaluate(dspy.Predict("question -> answer"))
    answers = {question: Counter[str]() for question in QUESTIONS}
    for example, found, _ in result.results:
        answers[example.question][found.answer] += 1
    return Result(result.score, answers)


Evaluation = Callable[[str, Path], Result]
each_framework = pytest.mark.parametrize("evaluation", [with_inspect, with_dspy])


@pytest.fixture
def drawing(provider: Provider) -> Provider:
    """A model of which every third answer is wrong."""
    numbers = count()

    def answer(request: ReceivedRequest) -> Answer:
        number = next(numbers)
        text = f"{'right' if number % 3 else 'false'}, by draw {number}"
        if "[[ ## " in request.body.decode():  # the form that DSPy asks for
            text = f"[[ ## answer ## ]]\n{text}\n\n[[ ## completed ## ]]"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        return Answer.of({**CHAT, "choices": [choice]})

    provider.script = answer
    return provider


@each_framework
def test_the_second_run_sends_nothing_and_has_the_same_scores(evaluation: Evaluation, drawing: Provider, tmp_path: Path) -> None:
    runs = []
    with Cache(tmp_path / "store", ttl=None) as cache:
        for _ in range(2):
            with install(cache), samples():
                runs.append(evaluation(drawing.url, tmp_path))
            assert drawing.calls == ALL
        assert (cache.stats.misses, cache.stats.hits) == (ALL, ALL)
    assert runs[0] == runs[1]
    assert (runs[0].distinct, runs[0].all) == (ALL, ALL), "each repetition has an answer of its own"
    assert 0 < runs[0].score < (100 if evaluation is with_dspy else 1)


@each_framework
def test_without_the_block_repetitions_are_one_call(evaluation: Evaluation, drawing: Provider, tmp_path: Path) -> None:
    with Cache(tmp_path / "store") as cache, install(cache):
        result = evaluation(drawing.url, tmp_path)
    assert drawing.calls == len(QUESTIONS)
    assert (result.distinct, result.all) == (len(QUESTIONS), ALL)


@each_framework
def test_a_run_is_replayed_from_a_cassette_without_its_provider(evaluation: Evaluation, drawing: Provider, tmp_path: Path) -> None:
    runs = []
    for mode in ("once", "none"):
        with Cassette(tmp_path / "cassette", mode, miss="raise") as cassette, install(cassette), samples():
            runs.append(evaluation(drawing.url, tmp_path))
    assert runs[0] == runs[1]
    assert (drawing.calls, runs[0].distinct) == (ALL, ALL)
    assert (cassette.report().missing, cassette.report().unused) == ((), ())


def test_an_engine_without_httpx_is_served_by_the_proxy(drawing: Provider, tmp_path: Path) -> None:
    """DSPy's own engine speaks HTTP by Python's standard library."""
    runs = []
    with Cache(tmp_path / "store", ttl=None) as cache:
        for _ in range(2):
            with serving(cache, drawing) as proxy, samples():
                runs.append(with_dspy(f"{proxy.url}/openai", tmp_path, "lm15"))
    assert runs[0] == runs[1]
    assert drawing.calls == ALL == runs[0].distinct
    assert drawing.requests[0].header("user-agent") == "lm15/stdlib"


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("python", place="evaluations")])
def test_each_block_of_the_guide_runs(block: Block, provider: Provider, tmp_path: Path) -> None:
    run_block(block, provider, tmp_path)
