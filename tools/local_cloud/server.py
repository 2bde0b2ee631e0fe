"""The process that serves MiniStack over TLS with IAM enforced; `client` starts it.

The server stops when its standard input ends, so the server ends with the process that started it.
MiniStack's own `main()` would also listen on port 443 and write a file to /tmp.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from logging.handlers import BufferingHandler
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from tools.local_cloud import folder, runtime

# The property that names a resource, by type.
NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SSM::Parameter": "Name",
}
# The user's environment variables for the server and Lambda functions. The list excludes AWS
# variables, variables that MiniStack reads, such as SERVICES, and those that `runtime` sets.
INHERITED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


def main(directory: Path, port: int) -> None:
    """Serve the local cloud in `directory` on `port` (0: any free port) until a stop, then exit."""
    try:
        with FileLock(directory / folder.LOCK, timeout=0), listen(port) as listener:
            if notice := folder.prepare_state(directory):
                print(notice, file=sys.stderr)
            folder.issue_certificate(directory)
            python = runtime.create_python(directory / folder.PYTHON)
            shutil.rmtree(directory / folder.TEMPORARY, ignore_errors=True)
            (directory / folder.TEMPORARY).mkdir()
            port = listener.getsockname()[1]
            (directory / folder.PORT).write_text(str(port))
            inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
            os.environ.clear()
            os.environ.update(inherited | runtime.variables(python) | _settings(directory, port))
            # MiniStack runs Python functions with `sys.executable`.
            sys.executable = str(python)
            asyncio.run(_serve(directory, listener))
    except Timeout:
        sys.exit(
            f"Another process is starting or stopping the local cloud in {directory}. Try again "
            "when it has finished."
        )


def listen(port: int) -> socket.socket:
    """A socket that listens on a port of this machine; exits if that fails."""
    try:
        listener = socket.create_server((folder.HOST, port))
        # Accepted sockets inherit it. asyncio sets it only on sockets with an explicit protocol;
        # without it, each answer waits 40 ms for the client's acknowledgement of the last one.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        reason = str(error).rstrip(".")
        sys.exit(f"Cannot listen on port {port}: {reason}. Choose another port, or 0 for any port.")


def _settings(directory: Path, port: int) -> dict[str, str]:
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "BIND_HOST": folder.HOST,
        "TMPDIR": str(directory / folder.TEMPORARY),
        "GATEWAY_PORT": str(port),
        "MINISTACK_SSL_CERT": str(directory / folder.CERTIFICATE),
        "MINISTACK_SSL_KEY": str(directory / folder.KEY),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(directory / folder.STATE),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(directory / folder.STATE / "objects"),
        # For Lambda functions: MiniStack's own bundle needs the system's certificates.
        "AWS_CA_BUNDLE": str(directory / folder.CERTIFICATE),
        # Do not listen for SFTP and MQTT.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # MiniStack removes the containers of other MiniStack servers when it starts.
        "DOCKER_HOST": f"unix://{directory}/no-docker",
        "LOG_LEVEL": "WARNING",
    }


def _record_losses() -> BufferingHandler:
    """Record MiniStack's messages about state that it could not load or save.

    MiniStack only logs them (core/persistence.py and services/s3.py).
    """
    losses = BufferingHandler(sys.maxsize)
    losses.setLevel(logging.WARNING)
    losses.addFilter(lambda record: "persist" in record.getMessage().lower())
    for name in ("persistence", "s3"):
        logging.getLogger(name).addHandler(losses)
    return losses


def _adopt_buckets() -> None:
    """Let a change set import an existing bucket by its name, as on AWS.

    MiniStack's validation refuses the name of every existing bucket, also of the one to import
    (`_validation_errors` in services/cloudformation/stacks.py).
    """
    from ministack.services.cloudformation import _stacks, changesets

    execute = changesets._deploy_stack_async

    async def execute_without_validation(name: str, *args: object, **options: object) -> None:
        if options.get("imports"):
            _stacks[name]["_disable_validation"] = True
        await execute(name, *args, **options)

    changesets._deploy_stack_async = execute_without_validation


def _refuse_existing_names() -> None:
    """Let the creation of a resource fail if another resource has its name, as on AWS.

    MiniStack replaces the other resource by an empty one.
    """
    from ministack.services.cloudformation import stacks
    from ministack.services.cloudformation.drift import _DRIFT_READERS

    create = stacks._provision_resource

    def create_unless_exists(
        kind: str, logical_id: str, properties: dict[str, object], stack: str
    ) -> object:
        name = properties.get(NAMES.get(kind, ""))
        if name and _DRIFT_READERS[kind][0](name, properties) is not None:
            raise ValueError(f"Resource of type '{kind}' with identifier '{name}' already exists.")
        return create(kind, logical_id, properties, stack)

    stacks._provision_resource = create_unless_exists


async def _serve(directory: Path, listener: socket.socket) -> None:
    # uvicorn stops at SIGINT and SIGTERM, and then raises the signal again.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _adopt_buckets()
    _refuse_existing_names()
    server = uvicorn.Server(
        uvicorn.Config(
            "ministack.app:app",
            ssl_certfile=directory / folder.CERTIFICATE,
            ssl_keyfile=directory / folder.KEY,
            log_level="warning",
            date_header=False,  # MiniStack sends its own
            # Seconds to wait for requests, for example for a Lambda function that still runs.
            timeout_graceful_shutdown=1,
        )
    )

    def stop() -> None:
        asyncio.get_running_loop().remove_reader(0)
        server.should_exit = True

    asyncio.get_running_loop().add_reader(0, stop)
    losses = _record_losses().buffer
    await server.serve([listener])
    if not losses:
        (directory / folder.PORT).unlink()
    # End the processes of Lambda functions: they are in the server's process group.
    os.killpg(0, signal.SIGTERM)
    # sys.exit() would wait for the threads of requests that still run.
    os._exit(1 if losses else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
