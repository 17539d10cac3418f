"""``wirecache show``: one entry, as the conversation that it is."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from wirecache.cli._entries import in_full
from wirecache.cli._stores import Store, cache_of, entry_of
from wirecache.cli._terminal import AsJson, ago, plain, print_json, size

__all__ = ["command"]


def command(
    key: Annotated[str, typer.Argument(help="The key of an entry, or its first digits.", metavar="KEY")],
    raw: Annotated[bool, typer.Option("--raw", help="Print the body of the answer, byte for byte, and nothing else.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show an entry: prompt and answer as a conversation, tool calls, headers, timings and usage."""
    with cache_of(store) as cache:
        entry = entry_of(cache, key)
    if raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(entry.body)
        sys.stdout.buffer.flush()
        return
    told = in_full(entry)
    if as_json:
        print_json(told)
    else:
        typer.echo(plain("\n".join([*_head(told), "", *_said(told)])))


def _head(told: dict[str, Any]) -> list[str]:
    usage = told["usage"]
    lines = [
        f"key       {told['key']}",
        f"request   {told['method']} {told['url']}",
        f"endpoint  {told['endpoint'] or 'none that is known'}, model {told['model'] or 'none'}",
        f"stored    {told['stored_at']}, {ago(told['age'])} ago" + (f", own ttl {told['ttl']}" if told["ttl"] is not None else ""),
        f"answer    status {told['status']}, {size(told['bytes'])}, upstream took {told['seconds']:.3f} s",
    ]
    if told["namespace"] or told["sample"]:
        lines.append(f"call      namespace {told['namespace']!r}, sample {told['sample']}")
    if usage:
        lines.append(f"tokens    {usage['input']:,} in, {usage['output']:,} out")
    if told["stream"]:
        chunks = told["chunks"]
        lines.append(f"stream    {len(chunks)} chunks, the first after {chunks[0]['at']:.3f} s, the last after {chunks[-1]['at']:.3f} s")
    for title, headers in (("sent", told["request_headers"].items()), ("headers", told["headers"])):
        for at, (name, value) in enumerate(headers):
            lines.append(f"{'' if at else title:<10}{name}: {value}")
    return lines


def _said(told: dict[str, Any]) -> list[str]:
    lines = []
    for turn in [*told["conversation"], told["answer"]]:
        lines += [f"--- {turn['role']}", *([turn["text"]] if turn["text"] else [])]
        lines += [f"calls {call['name']}({call['arguments']})" for call in turn["tool_calls"]]
    return lines
