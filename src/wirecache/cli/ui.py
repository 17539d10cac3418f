"""``wirecache ui``: shows the contents of stores and cassettes in a browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from wirecache import WirecacheError
from wirecache._core.quantity import quantity
from wirecache._inspector.asgi import App
from wirecache._runtime.listening import address_of, is_loopback
from wirecache.cli._listen import listen
from wirecache.cli._terminal import fail, print_text, usage_error, warn
from wirecache.errors import ConfigError

__all__ = ["command"]


def command(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            help="Stores (paths, URLs) and directories of cassettes. Default: the store that Cache() uses.", metavar="STORE|CASSETTE"
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, and open no browser.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Let the pages change nothing.")] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which the server is reached, beside localhost; can be repeated.", metavar="HOST[:PORT]"),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write one HTML file with the exchanges, without secrets, and serve nothing.", metavar="FILE.html"),
    ] = None,
    git: Annotated[str, typer.Option(help="Show what these commits change in cassettes, such as main..HEAD.", metavar="RANGE")] = "",
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="A running wirecache serve, whose misses are listed; with /token/TOKEN if it needs one.", metavar="URL"),
    ] = None,
    no_token: Annotated[bool, typer.Option("--no-token", help="Admit everybody who can reach the server.")] = False,
) -> None:
    """Show stores and cassettes in a browser: conversations, search, why a call missed, what was saved.

    Serves on this machine only, and asks for the token in the address that it prints. Ends with Ctrl-C.
    """
    try:
        token: dict[str, None] = {"token": None} if no_token else {}
        app = App(places or None, read_only=read_only, allowed_hosts=allowed_host or (), git=git, proxies=proxy or (), **token)
        if export is not None:
            _export(app, export)
            return
    except ConfigError as error:
        raise usage_error(str(error)) from None
    except WirecacheError as error:
        fail(str(error))
    _serve(app, host, port, opens=not no_open)


def _export(app: App, file: Path) -> None:
    from wirecache._inspector.export import export_html

    exported = export_html(app.inspector.sources, file.stem)
    try:
        file.write_bytes(exported.html.encode("utf-8", "replace"))
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    print_text(f"{quantity(exported.exchanges, 'exchange')} written to {file}. Left out: {'; '.join(exported.left_out)}.")
    print_text("It contains prompts and answers: check it before you share it.")


def _serve(app: App, host: str, port: int, *, opens: bool) -> None:
    import uvicorn

    bound = listen(host, port)
    if not is_loopback(bound):
        warn(f"wirecache: {host} can be reached from other machines, and the connection is not encrypted.")
    url = app.url(*address_of(bound))
    print_text(f"wirecache ui: {url}")
    print_text("Ctrl-C ends it.")
    if opens:
        webbrowser.open(url)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )  # without an access log, which would contain the token
    uvicorn.Server(config).run(sockets=[bound])
