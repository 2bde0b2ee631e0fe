"""Serving the local cloud in the foreground."""

import os
import time

from tools.console import console
from tools.deployment.operation import Options, cloud_directory
from tools.local_cloud.client import local_cloud
from tools.targets import aws_target, choose


def serve(options: Options) -> int:
    """Serve until Ctrl-C, and print the environment variables for boto3 and the aws CLI.

    With --to aws there is nothing to serve, which is said.
    """
    if choose(options.to or "local", interactive=False).place == "aws":
        console.print(
            f"{aws_target()} needs no server: boto3 and the aws CLI reach it as they are.",
            soft_wrap=True,
        )
        return 0
    with local_cloud(cloud_directory(), port=options.port) as cloud:
        # For any shell, whatever it has set; a profile would be preferred to the keys.
        console.print("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
        for key, value in cloud.environment({}).items():
            others = "${NO_PROXY:+,$NO_PROXY}" if key == "NO_PROXY" else ""
            console.print(f"export {key}={value}{others}", markup=False, soft_wrap=True)
        # The keys above must not be taken for those of an AWS account.
        console.print("export WEALTH_OPS_TARGET=local")
        if cloud.shared:
            console.print(
                f"The local cloud is up at {cloud.url} already, served by another process."
            )
            return 0
        console.print(f"The local cloud is up at {cloud.url}; Ctrl-C stops it and keeps its state.")
        try:
            while _has_parent():
                time.sleep(0.5)
        except KeyboardInterrupt:
            console.print("Stopping.")
    return 0


def _has_parent() -> bool:
    # nox may be killed in a way that it cannot pass on; the server must not outlive it.
    nox = os.environ.get("WEALTH_OPS_NOX")
    if nox is None:
        return True
    try:
        os.kill(int(nox), 0)
    except ProcessLookupError:
        return False
    return True
