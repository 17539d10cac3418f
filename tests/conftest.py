from __future__ import annotations

import gc
import inspect
import os
import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import certifi
import pytest

from tests.faces.face import FACES, Face
from tests.provider import Provider
from tests.redis_server import NO_REDIS, RedisServer
from tests.s3_server import NO_S3, S3Server

REDIS_URL = os.environ.get("WIRECACHE_TEST_REDIS_URL")
pytest_plugins = ["pytester"]


@pytest.fixture(params=FACES, ids=str)
def face(request: pytest.FixtureRequest) -> Face:
    """One of the six runs of a test that is to hold on every face."""
    chosen: Face = request.param
    return chosen


@pytest.fixture
def only_new_garbage() -> Iterator[None]:
    """In the test ``gc.collect()`` looks only at what it made itself: quicker, and no warning about what other tests dropped."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test that has a face in the face's colour."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or "face" not in pyfuncitem.funcargs:
        return None
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    arguments["face"].run(partial(pyfuncitem.obj, **arguments))
    return True


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on a loopback socket, for one test."""
    running = Provider()
    yield running
    running.close()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for all tests of this process: that of ``WIRECACHE_TEST_REDIS_URL``, else one that is started for them."""
    if REDIS_URL:
        yield REDIS_URL
        return
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server that speaks S3 for all tests of this process."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that tests were skipped for want of a server."""
    for reason in (NO_REDIS, NO_S3):
        skipped = [report for report in terminalreporter.stats.get("skipped", ()) if reason in str(report.longrepr)]
        if skipped:
            terminalreporter.write_line(f"{len(skipped)} tests were skipped, since {reason}")


@pytest.fixture(autouse=True, scope="session")
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Clients that are made with the defaults read one certificate in place of all: 20 ms less for each. No test calls a public server."""
    path, end = tmp_path_factory.mktemp("authority") / "one.pem", "-----END CERTIFICATE-----\n"
    path.write_text(Path(certifi.where()).read_text("utf-8").partition(end)[0] + end, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        yield


NUMBERS = count()


@pytest.fixture
def _own_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the test's own directory is or would be."""
    return tmp_path_factory.getbasetemp() / f"{next(NUMBERS)}-{re.sub('[^A-Za-z0-9]', '_', request.node.name)[:30]}"


@pytest.fixture
def tmp_path(_own_path: Path) -> Path:
    """A directory of the test's own. For one of pytest's, all that the session has made are listed: milliseconds for each test."""
    _own_path.mkdir(mode=0o700)
    return _own_path


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, _own_path: Path) -> None:
    """No test sees the settings or the store of the person who runs it."""
    for name in [name for name in os.environ if name.startswith(("WIRECACHE_", "AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WIRECACHE_DIR", str(_own_path / "default-store"))
