"""The process that serves MiniStack over TLS with IAM enforced; `client` starts it.

The server stops when its standard input ends, so it never outlives the process that started it.
MiniStack's own `main()` would also listen on port 443 and write a file to /tmp. MiniStack runs
scripts in /docker-entrypoint-initaws.d and /etc/localstack/init, which only root can create.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from importlib.metadata import version
from logging.handlers import BufferingHandler
from pathlib import Path
from typing import NoReturn

from filelock import FileLock
from hypercorn import typing as asgi
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tools.local_cloud import folder

# The user's environment variables for the server and Lambda functions. The list excludes variables
# of AWS, and variables that MiniStack reads, such as SERVICES.
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ")


def main(directory: Path, descriptor: str, port: str) -> None:
    """Serve the local cloud in `directory` on a listening socket until a stop, then exit."""
    # A client that looks for a running server holds the lock for a moment.
    with FileLock(directory / folder.LOCK, timeout=0.5):
        if notice := folder.prepare_state(directory, version("ministack")):
            print(notice, file=sys.stderr)
        folder.issue_certificate(directory)
        endpoint = json.dumps({"port": int(port), "process": os.getpid()})
        (directory / folder.ENDPOINT).write_text(endpoint)
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        os.environ.clear()
        os.environ.update(inherited | _settings(directory, port))
        asyncio.run(_serve(directory, descriptor))


def _settings(directory: Path, port: str) -> dict[str, str]:
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": folder.HOST,
        "GATEWAY_PORT": port,
        "MINISTACK_SSL_CERT": str(directory / folder.CERTIFICATE),
        "MINISTACK_SSL_KEY": str(directory / folder.KEY),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(directory / folder.STATE),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(directory / folder.STATE / "objects"),
        # For Lambda functions: MiniStack's own bundle needs the certificates of the system.
        "AWS_CA_BUNDLE": str(directory / folder.CERTIFICATE),
        # Do not listen for SFTP and MQTT.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # MiniStack removes the containers of other MiniStack servers when it starts.
        "DOCKER_HOST": f"unix://{directory}/no-docker",
        "LOG_LEVEL": "WARNING",
    }


async def _serve(directory: Path, descriptor: str) -> None:
    stop = asyncio.Event()
    _stop_at_signal_or_end_of_input(stop)
    # MiniStack reads its settings when it is imported.
    from ministack.app import app

    # If MiniStack cannot load or save a state, it logs an error and continues.
    errors = BufferingHandler(capacity=1000)
    errors.setLevel(logging.ERROR)
    logging.getLogger().addHandler(errors)
    events: asyncio.Queue[asgi.ASGIReceiveEvent] = asyncio.Queue()
    answers: asyncio.Queue[asgi.ASGISendEvent] = asyncio.Queue()
    scope: asgi.Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    lifespan = asyncio.ensure_future(app(scope, events.get, answers.put))
    events.put_nowait({"type": "lifespan.startup"})
    await answers.get()
    if errors.buffer:
        # `folder.ENDPOINT` exists, so the same command moves the state and starts an empty cloud.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (no shell)

    async def answer(
        scope: asgi.Scope, receive: asgi.ASGIReceiveCallable, send: asgi.ASGISendCallable
    ) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)

    async def save_and_exit() -> None:
        await stop.wait()
        errors.flush()
        events.put_nowait({"type": "lifespan.shutdown"})
        await lifespan
        is_saved = not any(record.name == "persistence" for record in errors.buffer)
        _exit(folder.finish(directory, is_saved=is_saved))

    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.certfile = str(directory / folder.CERTIFICATE)
    config.keyfile = str(directory / folder.KEY)
    config.loglevel = "WARNING"
    # Hypercorn does not send the lifespan events, because it would wait until every client has
    # disconnected and every Lambda function has ended before it tells MiniStack to save.
    await serve(answer, config, shutdown_trigger=save_and_exit)


def _stop_at_signal_or_end_of_input(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def end_of_input() -> None:
        loop.remove_reader(0)
        stop.set()

    loop.add_reader(0, end_of_input)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _exit(status: int) -> NoReturn:
    # End the processes of Lambda functions: they are in the process group of the server.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    # sys.exit() would wait for the threads of requests that still run.
    os._exit(status)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
