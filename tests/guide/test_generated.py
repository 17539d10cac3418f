"""Is each generated part of README and guide what its source makes of it today?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide import api, settings_table
from tests.guide.documents import DOCUMENTS
from tests.guide.generated import PART, PARTS, with_parts
from tests.house.source import SOURCE
from wirecache import Cache, Cassette, KeyOptions, Rule
from wirecache._core.rules.plan import Plan
from wirecache._settings.schema import Settings


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_generated_part_is_what_its_source_makes(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == with_parts(text), "run make guide"


def test_each_part_begins_and_ends_and_has_a_name_that_is_known() -> None:
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        assert text.count("<!--") == 2 * len(PART.findall(text))
        assert {name for _, name, _ in PART.findall(text)} <= set(PARTS)


def test_every_variable_that_the_source_reads_is_in_the_table() -> None:
    table = settings_table.section()
    assert [name for name in sorted(settings_table.variables_in(SOURCE)) if f"| `{name}` |" not in table] == []


def test_every_setting_of_a_file_is_an_option_of_the_table() -> None:
    table = settings_table.section()
    serve = settings_table._table_in(Settings.model_fields["serve"].annotation)
    assert [name for name in {*Settings.model_fields, *serve.model_fields} - {"serve"} if f"| `{name}` |" not in table] == []


def test_the_defaults_of_the_table_are_those_in_force() -> None:
    with Cache("memory://") as cache:
        assert cache.plan == Plan()


def test_every_option_of_what_people_call_is_described() -> None:
    assert api.undescribed() == []


@pytest.mark.parametrize("kind", [Cache, Cassette, KeyOptions, Rule])
def test_every_option_is_described_in_its_docstring(kind: type) -> None:
    described = settings_table.descriptions(kind)
    assert [name for name, _ in settings_table._parameters(kind) if name not in described] == []
