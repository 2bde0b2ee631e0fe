"""Serve the local cloud in the foreground."""

import os
import shlex
import time

from botocore.session import Session

from tools.console import is_interactive, say
from tools.deployment.options import Options, cloud_directory
from tools.local_cloud.client import local_cloud
from tools.targets import aws_target, choose


def serve(options: Options) -> int:
    """Serve until Ctrl-C, and print the environment variables for boto3 and the aws CLI.

    With --to aws, prints that no server is needed.
    """
    parent = os.getppid()
    session = Session(profile=options.profile)
    if choose(options.to or "local", session, interactive=False).kind == "aws":
        target = aws_target(session, interactive=is_interactive())
        say(f"{target} needs no server: boto3 and the aws CLI reach it directly.")
        return 0
    with local_cloud(cloud_directory(), port=options.port) as cloud:
        # With a profile in the shell, the aws CLI would ignore the access keys.
        say("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
        for key, value in cloud.environment({}).items():
            others = "${NO_PROXY:+,$NO_PROXY}" if key == "NO_PROXY" else ""
            say(f"export {key}={shlex.quote(value)}{others}")
        # Without this variable, `deploy` would use the access keys on AWS.
        say("export WEALTH_OPS_TARGET=local")
        if cloud.shared:
            say(f"The local cloud is up at {cloud.url} already, served by another process.")
            return 0
        say(f"The local cloud is up at {cloud.url}; Ctrl-C stops it and keeps its state.")
        try:
            # The server must also stop when the parent, usually nox, was killed.
            while os.getppid() == parent:
                time.sleep(0.5)
        except KeyboardInterrupt:
            say("Stopping.")
    return 0
