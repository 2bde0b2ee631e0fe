"""The process that serves the local cloud: MiniStack over TLS, on 127.0.0.1, with IAM enforced.

It ends when its standard input does, so it cannot outlive whoever started it, and it saves its
state before it ends. `local_cloud` starts it; see `cloud_state` for what lies in its directory.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from asyncio import constants
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout

from tools.cloud_state import CloudState, StateError

HOST = "127.0.0.1"


def main(arguments: list[str]) -> int:
    """Serve until told to stop; return 0 only when the state was saved."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    options = parser.parse_args(arguments)
    state = CloudState(options.directory, version("ministack"))
    options.directory.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state.lock, timeout=0):
            return serve(state, options.port, options.account)
    except Timeout:
        message = f"Another process serves the local cloud in {options.directory}."
    except StateError as error:
        message = str(error)
    except OSError as error:
        message = f"The local cloud cannot be served on port {options.port}: {error.strerror}."
    print(message, file=sys.stderr)
    return 1


def serve(state: CloudState, port: int, account: str) -> int:
    """Serve on `port` (0: a free one). Raises `StateError`, and `OSError` if the port is taken."""
    listener = socket.create_server((HOST, port))
    if notice := state.open():
        print(notice, file=sys.stderr)
    state.ensure_tls()
    os.environ.update(
        AUTH="true",
        USE_SSL="1",
        BIND_HOST=HOST,
        GATEWAY_PORT=str(listener.getsockname()[1]),
        MINISTACK_SSL_CERT=str(state.certificate),
        MINISTACK_SSL_KEY=str(state.key),
        MINISTACK_ACCOUNT_ID=account,
        PERSIST_STATE="1",
        STATE_DIR=str(state.working),
        S3_PERSIST="1",
        S3_DATA_DIR=str(state.objects),
        # Listeners of its own that nothing here uses.
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    failures = _SaveFailures()
    logging.getLogger("persistence").addHandler(failures)
    asyncio.run(_serve(listener, state, account))
    if failures.messages:
        raise StateError(
            "The state of the local cloud could not be saved, so it stays as it was before: "
            + "; ".join(failures.messages)
        )
    state.publish()
    return 0


async def _serve(listener: socket.socket, state: CloudState, account: str) -> None:
    # Imported here: MiniStack reads its settings from the environment when it is imported.
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(
        target=lambda: (sys.stdin.buffer.read(), loop.call_soon_threadsafe(stop.set)), daemon=True
    ).start()
    config = Config()
    port = listener.getsockname()[1]
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(state.certificate), str(state.key)
    config.loglevel = "WARNING"
    config.graceful_timeout = 2
    # A client that keeps its connection open would hold up the end for 30 s.
    constants.SSL_SHUTDOWN_TIMEOUT = 0.5
    state.announce(port, account)
    try:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)
    finally:
        state.retire()


class _SaveFailures(logging.Handler):
    """Collects what MiniStack's saving only logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
