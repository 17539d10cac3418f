"""A real object store that speaks S3 (OpenStack Swift) in a process of its own, on a port of the loopback interface."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

__all__ = ["NO_S3", "S3Server"]

ROOT = Path(__file__).parent.parent
NO_S3 = "there is no server for S3: run make .venv-s3/.ready (on Linux), or set WIRECACHE_TEST_S3_PYTHON to a Python that has swift"
PYTHON = os.environ.get("WIRECACHE_TEST_S3_PYTHON") or str(ROOT / ".venv-s3" / "bin" / "python")
KEY_ID, SECRET = "test:tester", "s3cret-key"


def required_python() -> str:
    """Return a Python that has Swift. Without one the test is skipped, or fails where ``CI`` is set: there it may not go unnoticed."""
    if not os.access(PYTHON, os.X_OK) or subprocess.run([PYTHON, "-c", "import swift"], capture_output=True).returncode:
        stop = pytest.fail if os.environ.get("CI", "").lower() not in ("", "0", "false") else pytest.skip
        stop(NO_S3)
    return PYTHON


class S3Server:
    """It has one bucket, ``bucket``. ``url("bucket/prefix")`` is a store in it, for who has the credentials (``environment``)."""

    environment = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def __init__(self, directory: Path) -> None:
        self._python = required_python()
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        for _ in range(5):  # another process may take the free port first
            self.port = _free_port()
            if self._start():
                break
        else:
            raise RuntimeError(self.output)
        self._make_bucket("bucket")

    @property
    def options(self) -> dict[str, str]:
        """What obstore has to know of it, but the credentials."""
        return {"endpoint": f"http://127.0.0.1:{self.port}", "region": "us-east-1", "allow_http": "true"}

    def url(self, path: str = "bucket", **options: object) -> str:
        """Return the URL of a bucket, with a prefix or without."""
        return f"s3://{path}?{'&'.join(f'{name}={value}' for name, value in {**self.options, **options}.items())}"

    def client(self, prefix: str | None = None, **options: Any) -> Any:
        """Return obstore's own client for the bucket."""
        from obstore.store import S3Store

        config: Any = {**self.options, "access_key_id": KEY_ID, "secret_access_key": SECRET, **options}
        return S3Store("bucket", prefix=prefix, config=config)

    def _make_bucket(self, name: str) -> None:
        import obstore
        from obstore.exceptions import GenericError

        with pytest.raises(GenericError, match="ETag Header missing"):  # which an object has; a bucket is made by a PUT of its name
            obstore.put(self.client(virtual_hosted_style_request=True), name, b"", use_multipart=False)

    def _start(self) -> bool:
        command = [self._python, str(ROOT / "tests" / "swift_server.py"), str(self._directory), str(self.port), KEY_ID, SECRET]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in iter(self._process.stdout.readline, ""):
            lines.append(line)
            if line == "ready\n":
                return True
        self._process.communicate()
        self.output = "".join(lines)
        return False

    def stop(self) -> None:
        """SIGKILL: its port is closed."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self) -> None:
        """Begin again on the same port, with the same objects."""
        assert self._start(), self.output

    def pause(self) -> None:
        """SIGSTOP: its port is open, and nothing answers there."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> S3Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
