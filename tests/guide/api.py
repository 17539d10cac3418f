"""The reference of the public names, made from signatures and docstrings: the page says what ``help()`` says."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from textwrap import indent
from typing import Any, ForwardRef

import wirecache

LONGEST = 100  # characters of a signature on one line
MODULES = ("httpx", "httpx2", "serve", "ui", "prices", "otel")  # beside the package itself: those with public names of their own
# Defaults whose own text says too much: the types that are made without arguments.
MADE = (wirecache.KeyOptions, wirecache.Redactor)


def section() -> str:
    """Return the entries of all public names, by module."""
    parts = ["## wirecache"]
    parts += [_entry(name, getattr(wirecache, name)) for name in sorted(set(wirecache.__all__) - {"__version__"}, key=str.lower)]
    for name in MODULES:
        module = importlib.import_module(f"wirecache.{name}")
        parts += [f"## wirecache.{name}", *(_entry(own, getattr(module, own)) for own in module.__all__)]
    return "\n\n".join(parts)


def _entry(name: str, value: Any) -> str:
    """Return the entry of one name: its signature, its docstring, and those of its public members."""
    parts = [f"### {name}"]
    if not callable(value):
        return "\n\n".join([*parts, "A table of " + ", ".join(f"`{key}`: `{entry}`" for key, entry in value.items()) + "."])
    if not inspect.isclass(value):
        return "\n\n".join([*parts, f"```py\n{signature(f'def {name}', value)}\n```", documented(value)])
    if issubclass(value, Enum):
        return "\n\n".join([*parts, documented(value), "Values: " + ", ".join(f'`"{member.value}"`' for member in value) + "."])
    if not issubclass(value, BaseException) and not getattr(value, "_is_protocol", False):
        parts.append(f"```py\n{signature(f'class {name}', value)}\n```")
    members = [f"- `{shown}`: " + indent(documented(member), "  ").lstrip() for shown, member in _members(value)]
    return "\n\n".join([*parts, documented(value), *(["\n".join(members)] if members else [])])


def undescribed() -> list[str]:
    """Return the options that the docstrings do not describe, of all that people call. Records that they receive have none."""
    modules = [wirecache, *(importlib.import_module(f"wirecache.{name}") for name in MODULES)]
    found = []
    for module in modules:
        for name in module.__all__:
            value = getattr(module, name)
            is_record = hasattr(value, "__dataclass_fields__") or hasattr(value, "_fields") or value is wirecache.Exchange
            if (
                callable(value)
                and not is_record
                and not (inspect.isclass(value) and issubclass(value, Enum | BaseException | wirecache.Store))
            ):
                options = inspect.signature(value).parameters
                found += [f"{module.__name__}.{name}: {option}" for option in options if f"`{option}" not in documented(value)]
    return found


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that have a docstring of their own, with what is shown of each."""
    for name, member in vars(kind).items():
        if name.startswith("_") or isinstance(member, type):
            continue
        if isinstance(member, property) and member.__doc__:
            yield name, member
        elif inspect.isfunction(member) and member.__doc__:
            yield signature(name, member, skip=1), member


def documented(value: Any) -> str:
    """Return the docstring as Markdown."""
    text = inspect.getdoc(value)
    assert text, f"{value!r} has no docstring"
    return text.replace("``", "`").replace("\n-", "\n\n-", 1)


def signature(start: str, value: Any, *, skip: int = 0) -> str:
    """Return a definition's first line; with one parameter a line if it is long. ``skip``: how many parameters are left out."""
    found = inspect.signature(value)
    shown: list[str] = []
    for parameter in list(found.parameters.values())[skip:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown and not any(text.startswith("*") for text in shown):
            shown.append("*")
        shown.append(_parameter(parameter))
    is_definition = start.startswith(("def ", "class "))
    result = "" if start.startswith("class ") or found.return_annotation in (None, "None") else f" -> {_type(found.return_annotation)}"
    end = f"{result}: ..." if is_definition else result
    if not shown and start.startswith("class "):
        return f"{start}{end}"
    line = f"{start}({', '.join(shown)}){end}"
    if len(line) <= LONGEST or not is_definition:
        return line
    return f"{start}(\n" + "".join(f"    {text},\n" for text in shown) + f"){end}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = f"{stars}{parameter.name}: {_type(parameter.annotation)}"
    return text if parameter.default is parameter.empty else f"{text} = {_default(parameter.default)}"


def _type(annotation: Any) -> str:
    text = annotation.__forward_arg__ if isinstance(annotation, ForwardRef) else annotation
    text = text if isinstance(text, str) else getattr(text, "__name__", str(text))
    return text.replace(" | Unset", "").replace("'", '"')


def _default(value: Any) -> str:
    if isinstance(value, MADE):
        return f"{type(value).__name__}()"
    text = repr(value)
    return "..." if text.startswith("<") else text.replace("'", '"')
