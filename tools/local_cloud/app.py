"""MiniStack as an application that is served: watched for what it only logs, and brought to an end.

Settings must be in the environment before this module is imported: MiniStack reads them then.
"""

import asyncio
import gc
import logging
import socket
from asyncio import constants
from collections.abc import Callable

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from ministack import app as ministack
from ministack.core import lambda_runtime

from tools.local_cloud.state import CloudState, StateError, UnsavedError

# Seconds that requests under way get to end in, and connections to be closed by both sides.
GRACE = 2
CLOSING = 0.5


async def serve(
    listener: socket.socket, state: CloudState, stop: asyncio.Event, ready: Callable[[], None]
) -> list[str]:
    """Serve on `listener` until `stop` is set, then save to `state.working`; call `ready` once up.

    Returns what it said of objects that could not be written to the disk. Raises `StateError` when
    MiniStack cannot read its state, `UnsavedError` when it cannot save it.
    """
    # It would run whatever scripts lie in /docker-entrypoint-initaws.d and /etc/localstack.
    ministack._collect_scripts = lambda *_: []
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(state.certificate), str(state.key)
    config.loglevel = "WARNING"
    config.graceful_timeout = GRACE
    constants.SSL_SHUTDOWN_TIMEOUT = CLOSING  # else 30 s for a client that stays connected
    watched = _Watched(stop, ready)
    ending = asyncio.create_task(_drop_clients(stop))
    try:
        await hypercorn_serve(watched, config, shutdown_trigger=stop.wait)
    finally:
        ending.cancel()
        lambda_runtime.reset()
    if watched.unread.messages:
        raise StateError(
            f"MiniStack cannot read the saved state; nothing was changed. {watched.unread}"
        )
    if watched.unsaved.messages or not watched.ended:
        raise UnsavedError(
            f"The state could not be saved, so it stays as it was before. {watched.unsaved}"
        )
    return watched.lost.messages


class _Watched:
    def __init__(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        self.stop = stop
        self.ready = ready
        self.ended = False
        self.unread = _Messages(logging.ERROR)
        self.unsaved = _Messages(logging.ERROR)
        self.lost = _Messages(logging.WARNING, "Failed to persist")
        logging.getLogger().addHandler(self.unread)
        logging.getLogger("persistence").addHandler(self.unsaved)
        logging.getLogger("s3").addHandler(self.lost)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "lifespan":
            await ministack.app(scope, receive, send)
            return

        async def told(event: ASGISendEvent) -> None:
            if event["type"] == "lifespan.startup.complete":
                # From here on, an error may be that of a request.
                logging.getLogger().removeHandler(self.unread)
                # And what cannot be saved is said once, in the end.
                logging.getLogger("persistence").propagate = False
                if self.unread.messages:
                    self.stop.set()
                else:
                    self.ready()
            self.ended = event["type"] == "lifespan.shutdown.complete"
            await send(event)

        try:
            await ministack.app(scope, receive, told)
        except Exception as error:
            # Hypercorn would go on without, and then nothing would be saved.
            self.unsaved.messages.append(f"MiniStack broke off: {error!r}")
            self.stop.set()
            raise


class _Messages(logging.Handler):
    def __init__(self, level: int, beginning: str = "") -> None:
        super().__init__(level)
        self.addFilter(lambda record: record.getMessage().startswith(beginning))
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def __str__(self) -> str:
        more = len(self.messages) - 3
        return "; ".join(self.messages[:3]) + (f"; and {more} more" if more > 0 else "")


async def _drop_clients(stop: asyncio.Event) -> None:
    # Hypercorn waits without limit for what is under way, be it a function of 15 minutes.
    await stop.wait()
    logging.getLogger("asyncio").disabled = True  # would log each client that is dropped
    await asyncio.sleep(GRACE)
    await asyncio.to_thread(lambda_runtime.reset)
    # Hypercorn keeps its server to itself.
    for server in gc.get_objects():
        if type(server) is asyncio.Server:
            server.abort_clients()
