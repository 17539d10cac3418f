"""Is every module and every function small enough to be read at one go?"""

from __future__ import annotations

import ast

from tests.house.source import MODULES, functions, parse, tree

MOST_LINES = 300  # of a module
MOST_BODY_LINES = 40  # of a function, without its docstring


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines the function's body takes, from its first statement after the docstring to its last."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1 if statements else 0


def long_functions(source: ast.AST) -> set[str]:
    """Return the names of the functions whose bodies are too long."""
    return {function.name for function in functions(source) if body_lines(function) > MOST_BODY_LINES}


def test_no_module_is_long() -> None:
    found = {module for module, path in MODULES.items() if len(path.read_text("utf-8").splitlines()) > MOST_LINES}
    assert found == set()


def test_no_function_is_long() -> None:
    found = {f"{module}:{name}" for module in MODULES for name in long_functions(tree(module))}
    assert found == set()


# -- each rule fails where it should ----------------------------------------------------------------------------------


def test_a_long_function_is_found() -> None:
    def function(lines: int) -> ast.Module:
        return parse("class A:\n  async def f(self):\n    '''Twenty\n    lines.\n    '''\n" + "    x = 1\n" * lines)

    assert long_functions(function(MOST_BODY_LINES + 1)) == {"f"}
    assert long_functions(function(MOST_BODY_LINES)) == set()
    assert long_functions(parse("def f():\n  '''Only this.'''")) == set()
