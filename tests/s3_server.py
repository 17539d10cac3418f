"""A real object store that speaks S3 (OpenStack Swift) in a process of its own, on a port of the loopback interface."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.server_process import ServerProcess, stop_without

__all__ = ["NO_S3", "S3Server"]

ROOT = Path(__file__).parent.parent
NO_S3 = "there is no server for S3: run make .venv-s3/.ready (on Linux), or set WIRECACHE_TEST_S3_PYTHON to a Python that has swift"
PYTHON = os.environ.get("WIRECACHE_TEST_S3_PYTHON") or str(ROOT / ".venv-s3" / "bin" / "python")
KEY_ID, SECRET = "test:tester", "s3cret-key"


def required_python() -> str:
    """Return a Python that has Swift. Without one the test is skipped, or fails where ``CI`` is set: there it may not go unnoticed."""
    if not os.access(PYTHON, os.X_OK) or subprocess.run([PYTHON, "-c", "import swift"], capture_output=True).returncode:
        stop_without(NO_S3)
    return PYTHON


class S3Server(ServerProcess):
    """It has one bucket, ``bucket``. ``url("bucket/prefix")`` is a store in it, for who has the credentials (``environment``)."""

    environment = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

    def __init__(self, directory: Path) -> None:
        self._python = required_python()
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.start_on()
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

    def command(self) -> list[str]:
        return [self._python, str(ROOT / "tests" / "swift_server.py"), str(self._directory), str(self.port), KEY_ID, SECRET]

    def is_ready(self, line: str) -> bool:
        return line == "ready\n"
