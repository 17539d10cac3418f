"""Runs OpenStack Swift, which speaks S3, in one process: proxy, account, container and object server, one device, one copy of everything.

    python swift_server.py DIRECTORY PORT KEY_ID SECRET

It prints "ready". It needs the packages of .ci/s3.txt and nothing else.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # eventlet announces its end
os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # with it, it patches what dnspython imports

import eventlet  # noqa: E402
import eventlet.wsgi  # noqa: E402

eventlet.monkey_patch()

from swift.common import utils  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

STORAGE = ("account", "container", "object")
SWIFT = """
[swift-hash]
swift_hash_path_prefix = wirecache
swift_hash_path_suffix = wirecache
[storage-policy:0]
name = only
default = yes
"""
SERVER = """
[DEFAULT]
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
conn_timeout = 20
node_timeout = 60
"""
PROXY = """
[DEFAULT]
swift_dir = {directory}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth slo proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:slo]
use = egg:swift#slo
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# On a busy machine it takes its time, and the only device that there is must never be left out for a while.
conn_timeout = 20
node_timeout = 60
error_suppression_limit = 1000000
error_suppression_interval = 0
"""


def main(directory: Path, port: int, key_id: str, secret: str) -> None:
    """Serve until the process is killed."""
    (directory / "devices" / "only").mkdir(parents=True, exist_ok=True)
    (directory / "swift.conf").write_text(SWIFT)
    utils.set_swift_dir(str(directory))
    listeners = {"proxy": eventlet.listen(("127.0.0.1", port), backlog=128)}
    for name in STORAGE:
        listeners[name] = eventlet.listen(("127.0.0.1", 0), backlog=128)
        write_ring(directory / f"{name}.ring.gz", listeners[name].getsockname()[1])
        (directory / f"{name}.conf").write_text(SERVER.format(name=name, directory=directory))
    account, _, user = key_id.partition(":")
    (directory / "proxy.conf").write_text(PROXY.format(directory=directory, account=account, user=user, secret=secret))
    threads = []
    for name, listener in listeners.items():
        app, log = loadapp(str(directory / f"{name}.conf")), logging.getLogger(name)
        threads.append(eventlet.spawn(eventlet.wsgi.server, listener, app, log, protocol=SwiftHttpProtocol, log_output=False))
    print("ready", flush=True)
    for thread in threads:
        thread.wait()


def write_ring(path: Path, port: int) -> None:
    """Write which server has the data: the one that there is."""
    builder = RingBuilder(2, 1, 0)  # four partitions, one replica
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "only", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(str(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
