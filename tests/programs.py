"""Programs in processes of their own, forked from a process that has imported what they need: some 10 ms each in place of 0.5 s.

``started("-m", "wirecache", "stats")`` runs a module, ``started("-c", code)`` code, in a directory and an environment of its own. A
program ends as an interpreter ends: ``atexit``, threads, exit status. What is about the start of an interpreter (what is imported,
``sitecustomize``, options of Python) takes ``subprocess`` in place of this. Where no process can be forked, ``started`` does so too.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

__all__ = ["PYTEST", "AnyProgram", "go", "line_of", "ran", "started"]

ROOT = Path(__file__).parents[1]
# What a program may import later; ``.*``: and all its modules. It is to find them all imported, not to import them all.
WIRECACHE = ("tests.faces.face", "wirecache.*", "trio", "httpcore", "httpcore2", "h2.connection", "sniffio", "redis.asyncio", "rich.table")
PYTEST = (*WIRECACHE, "_pytest.*", "anyio.*", "execnet.multi", "pdb", "respx", "xdist.newhooks", "xdist.looponfail")


class Program:
    """A running program. What ``subprocess.Popen`` has under these names, for text."""

    def __init__(self, job: Mapping[str, Any], imports: tuple[str, ...]) -> None:
        self.returncode: int | None = None
        pairs = [os.pipe()[::-1], os.pipe(), os.pipe(), os.pipe()]
        files = [os.fdopen(ours, mode, encoding="utf-8") for (ours, _), mode in zip(pairs, "wrrr", strict=True)]
        self.stdin, self.stdout, self.stderr, self._status = files
        try:
            parent(imports).fork(job, [theirs for _, theirs in pairs])
        finally:
            for _, theirs in pairs:
                os.close(theirs)
        self.pid = int(self._status.readline())

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(self._status.readline()))
        return self.returncode

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Write the input, read all output and wait for the end."""
        texts = {"stdout": "", "stderr": ""}

        def read(name: str, file: IO[str]) -> None:
            texts[name] = file.read()

        threads = [threading.Thread(target=read, args=(name, getattr(self, name)), daemon=True) for name in texts]
        for thread in threads:
            thread.start()
        try:
            if input:
                self.stdin.write(input)
            self.stdin.close()
        except BrokenPipeError:
            pass
        for thread in threads:
            thread.join(timeout)
        if any(thread.is_alive() for thread in threads):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        self.wait(timeout)
        return texts["stdout"], texts["stderr"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended, and that was not said yet
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, and all that it forked."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.wait()
        for file in (self.stdout, self.stderr, self._status):
            file.close()
        try:
            self.stdin.close()
        except BrokenPipeError:
            pass


AnyProgram = Program | subprocess.Popen[str]


@contextmanager
def started(
    *arguments: object,
    cwd: str | Path = ROOT,
    env: Mapping[str, str] | None = None,
    strict: bool = False,
    imports: tuple[str, ...] = WIRECACHE,
) -> Iterator[AnyProgram]:
    """A program that runs in the block, and is killed and waited for at its end. ``strict``: its warnings are errors."""
    command, environment = [*map(str, arguments)], dict(os.environ if env is None else env)
    if not hasattr(os, "fork"):
        options = ("-W", "error") if strict else ()
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [sys.executable, *options, *command], cwd=cwd, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()
        return
    program = Program({"arguments": command, "cwd": str(cwd), "env": environment, "strict": strict}, imports)
    try:
        yield program
    finally:
        program.close()


def ran(*arguments: object, input: str = "", timeout: float = 200, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    with started(*arguments, **options) as program:
        out, error = program.communicate(input, timeout)
        return subprocess.CompletedProcess([*map(str, arguments)], program.wait(), out, error)


def line_of(program: AnyProgram) -> str:
    """Wait for the next line of its output."""
    assert program.stdout is not None
    line = program.stdout.readline()
    if not line:
        raise AssertionError(f"the program ended: {program.communicate(timeout=200)[1]}")
    return line.rstrip("\n")


def go(program: AnyProgram, word: str = "go") -> None:
    """Give it a line to read."""
    assert program.stdin is not None
    program.stdin.write(word + "\n")
    program.stdin.flush()


# -- the process that they are forked from ------------------------------------------------------------------------------


class Parent:
    """A process that imports the modules, and then forks for each job that it is sent."""

    def __init__(self, imports: tuple[str, ...]) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.programs", str(theirs.fileno()), *imports]
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )

    def fork(self, job: Mapping[str, Any], descriptors: list[int]) -> None:
        data = json.dumps(job).encode() + b"\n"
        with self._lock:
            sent = socket.send_fds(self._control, [data], descriptors)
            self._control.sendall(data[sent:])

    def close(self) -> None:
        self._control.close()
        self._process.wait()


@cache
def parent(imports: tuple[str, ...]) -> Parent:
    made = Parent(imports)
    atexit.register(made.close)
    return made


def serve(control: socket.socket) -> dict[str, Any]:
    """Fork for each job; in the fork, return the job."""
    buffer = b""
    descriptors: list[int] = []
    waiting: list[int] = []
    while True:
        data, received, _, _ = socket.recv_fds(control, 1 << 16, 4)
        if not data:
            for watcher in waiting:
                os.waitpid(watcher, 0)
            os._exit(0)
        buffer, descriptors = buffer + data, descriptors + received
        if not buffer.endswith(b"\n"):
            continue
        waiting = [watcher for watcher in waiting if os.waitpid(watcher, os.WNOHANG) == (0, 0)]
        if (watcher := os.fork()) == 0:
            control.close()
            break
        waiting.append(watcher)
        for descriptor in descriptors:
            os.close(descriptor)
        buffer, descriptors = b"", []
    *pipes, status = descriptors
    if (pid := os.fork()) != 0:
        for descriptor in (*pipes, 0, 1, 2):
            os.close(descriptor)
        os.write(status, b"%d\n" % pid)
        os.write(status, b"%d\n" % os.waitpid(pid, 0)[1])
        os._exit(0)
    os.close(status)
    os.setsid()
    for number, descriptor in enumerate(pipes):
        os.dup2(descriptor, number)
        os.close(descriptor)
    job: dict[str, Any] = json.loads(buffer)
    return job


def run(job: Mapping[str, Any]) -> None:
    """Do what ``python -m`` and ``python -c`` do."""
    option, target, *arguments = job["arguments"]
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    if job["strict"]:
        sys.warnoptions[:] = ["error"]
        warnings.simplefilter("error")
    sys.path[0] = job["cwd"] if option == "-m" else ""
    sys.argv = [option, *arguments]
    if option == "-m":
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(target, "<string>", "exec"), sys.modules["__main__"].__dict__)  # noqa: S102  # that is its job


def status_of(job: Mapping[str, Any]) -> int:
    """Run the program; return its exit status. As an interpreter does, write what it raised."""
    try:
        run(job)
    except KeyboardInterrupt:
        raise  # an interpreter ends by the signal then
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def end(status: int) -> None:
    """End as an interpreter ends: threads, ``atexit``, and the objects of the program. Those of all modules would take 60 ms."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if (program := sys.modules["__main__"]).__dict__ is not globals():
        program.__dict__.clear()
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def import_all(name: str) -> None:
    """Import the module, or with ``.*`` all of the package. What needs a package that is not installed is left to the program."""
    try:
        module = importlib.import_module(name.removesuffix(".*"))
    except ImportError:
        return
    if name.endswith(".*"):
        for _, inner, is_package in pkgutil.iter_modules(module.__path__, module.__name__ + "."):
            if not inner.endswith(("__main__", "._child", "._uvloop")):
                import_all(f"{inner}.*" if is_package else inner)


if __name__ == "__main__":
    for module in sys.argv[2:]:
        import_all(module)
    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
    gc.freeze()
    this = sys.modules["__main__"]  # kept when the program's own takes its name
    end(status_of(serve(socket.socket(fileno=int(sys.argv[1])))))
