"""The process that serves the local cloud: MiniStack over TLS, on 127.0.0.1, with IAM enforced.

It ends when its standard input does, so it cannot outlive whoever started it, and it saves its
state before it ends. `client` starts it; see `state` for what lies in its directory.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout

from tools.local_cloud.state import HOST, CloudState, Endpoint, StateError, UnsavedError

# What the server and the functions that it runs may see of the person's environment: nothing of
# AWS, and none of the variables that MiniStack reads, which have names such as SERVICES.
KEPT = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Status(IntEnum):
    """How the server ends. 1 and 2 are Python's and argparse's."""

    SAVED = 0
    LOCKED = 3
    PORT_TAKEN = 4
    REFUSED = 5
    UNSAVED = 6


class PortError(Exception):
    """A port that cannot be listened on."""


def main(arguments: list[str]) -> Status:
    """Serve until told to stop; say on standard error why, if not all went well."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    options = parser.parse_args(arguments)
    state = CloudState(options.directory.resolve(), version("ministack"))
    try:
        state.directory.mkdir(parents=True, exist_ok=True)
        # Not at once: who only looks whether the cloud is served holds the lock for a moment.
        with FileLock(state.lock, timeout=0.5):
            _serve(state, options.port, options.account)
    except Timeout:
        endpoint = state.find()
        holder = f"process {endpoint.process}" if endpoint else "another process"
        message = f"The local cloud in {state.directory} is in use by {holder}; end that one first."
        status = Status.LOCKED
    except PortError as error:
        message, status = str(error), Status.PORT_TAKEN
    except UnsavedError as error:
        message, status = str(error), Status.UNSAVED
    except (StateError, OSError) as error:
        message, status = str(error), Status.REFUSED
    else:
        return Status.SAVED
    with suppress(OSError):  # where the disk is full, the status has to do
        print(message, file=sys.stderr)
    return status


def _serve(state: CloudState, port: int, account: str) -> None:
    with _listen(port) as listener:
        if notice := state.open():
            print(notice, file=sys.stderr)
        state.ensure_tls()
        kept = {key: os.environ[key] for key in KEPT if key in os.environ}
        os.environ.clear()
        os.environ.update(kept | _settings(state, listener.getsockname()[1], account))
        asyncio.run(_run(listener, state, account))


def _listen(port: int) -> socket.socket:
    try:
        if port not in range(2**16):
            raise OSError(None, "there are no ports above 65535 or below 0")
        return socket.create_server((HOST, port))
    except OSError as error:
        raise PortError(
            f"The local cloud cannot be served on port {port}: {error.strerror}. Choose another "
            "port, or 0 for any free one."
        ) from error


def _settings(state: CloudState, port: int, account: str) -> dict[str, str]:
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_SSL_CERT": str(state.certificate),
        "MINISTACK_SSL_KEY": str(state.key),
        "MINISTACK_ACCOUNT_ID": account,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state.working),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state.objects),
        # For its functions: MiniStack's own bundle needs certificates of the system.
        "AWS_CA_BUNDLE": str(state.certificate),
        # Listeners of its own that nothing here uses.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # At its start it would remove containers, also those of another MiniStack.
        "DOCKER_HOST": f"unix://{state.directory}/no-docker",
        "LOG_LEVEL": "WARNING",
    }


async def _run(listener: socket.socket, state: CloudState, account: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        with suppress(RuntimeError):  # the loop is closed: all is saved
            loop.call_soon_threadsafe(stop.set)

    # Not the loop's own handlers, which go with it: a second signal must not skip the save.
    for number in SIGNALS:
        signal.signal(number, lambda *_: end())
    threading.Thread(target=_watch_input, args=(end,), daemon=True).start()
    # Imported here: MiniStack reads its settings from the environment when it is imported.
    from tools.local_cloud.app import serve

    port = listener.getsockname()[1]
    ours = Endpoint(port, account, os.getpid())
    try:
        lost = await serve(listener, state, stop, lambda: state.announce(port, account))
        if state.find() != ours:
            raise UnsavedError(
                f"{state.directory} was put aside while it was served. What came after its last "
                "save is not saved; the objects, and that state, are where it is now."
            )
        state.publish(account)
    finally:
        if state.find() == ours:
            state.retire()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    if lost:
        raise UnsavedError(
            f"Objects could not be written to the disk and are lost: {'; '.join(lost)}"
        )


def _watch_input(end: Callable[[], None]) -> None:
    # os.read and no file object, whose lock a thread that waits in it holds when Python ends.
    # Nobody writes there: what is read is the end.
    os.read(0, 1)
    end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
