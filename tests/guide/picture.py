"""The README's picture of a terminal: ``wirecache demo``, as it ran. ``make picture`` takes it again."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

from tests.guide.documents import ROOT

PICTURE = ROOT / ".github" / "demo.svg"
COMMAND = ["wirecache", "demo"]
WIDTH = 100
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # fonts from an address on the web: a picture asks for none


def run_demo() -> str:
    """Return what the demo prints into a terminal of this width, with its colours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "WIRECACHE_"))}
    environment |= {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    command = [sys.executable, "-m", *COMMAND]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, env=environment, timeout=200).stdout


def svg_of(output: str) -> str:
    """Return the picture of a terminal in which the command was run."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ {' '.join(COMMAND)}", style="bold"))
    console.print(Text.from_ansi(output.rstrip()))
    console.file.close()
    return FONT_FACE.sub("", console.export_svg(title="", theme=DIMMED_MONOKAI, unique_id="demo"))


def words_of(svg: str) -> list[str]:
    """Return the texts of a picture without their numbers and lines, which differ from run to run."""
    texts = re.findall(r"<text[^>]*clip-path[^>]*>([^<]*)</text>", svg)
    plain = " ".join(texts).replace("&#160;", " ")
    return re.sub(r"[\d.,:/\u2500-\u257f]+", " ", plain).split()


if __name__ == "__main__":
    PICTURE.write_text(svg_of(run_demo()), "utf-8")
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")
