"""Serve the local cloud in the foreground."""

import json
import shlex

from tools.cdk_cli.assembly import ANY_ACCOUNT
from tools.console import say
from tools.deployment.options import Options
from tools.errors import UserError
from tools.guard import snapshots
from tools.local_cloud.client import ACCOUNT, REGION, LocalCloud, local_cloud
from tools.local_cloud.folder import cloud_directory


def serve(options: Options) -> int:
    """Serve until Ctrl-C, and print the environment variables for boto3 and the AWS CLI.

    Raises `UserError` if the server ends.
    """
    with local_cloud(cloud_directory(), port=options.port) as cloud:
        _print_variables(cloud, options.environment)
        if cloud.server is None:
            say(f"The local cloud is already up at {cloud.url}, served by another process.")
            return 0
        say(f"The local cloud is up at {cloud.url}; Ctrl-C stops the server and saves the state.")
        try:
            status = cloud.server.wait()
        except KeyboardInterrupt:
            say("Stopping.")
            return 0
        raise UserError(
            f"The local cloud's server has ended with status {status}. To start a new server, "
            "run `uv run nox -s cloud` again."
        )


def _print_variables(cloud: LocalCloud, environment: str) -> None:
    say("# Run these lines in another terminal.")
    # With a profile in the shell, the AWS CLI would ignore the access keys.
    say("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
    account, region = _account_and_region(environment)
    variables = {
        key: shlex.quote(value)
        for key, value in cloud.variables({}, account=account, region=region).items()
    }
    # Retain the hosts that the user's shell reaches without a proxy.
    variables["NO_PROXY"] += '"${NO_PROXY:+,$NO_PROXY}${no_proxy:+,$no_proxy}"'
    variables["no_proxy"] = '"$NO_PROXY"'
    # Without this variable, `deploy` would use the access keys on AWS.
    variables["WEALTH_OPS_TARGET"] = "local"
    for key, value in variables.items():
        say(f"export {key}={value}")


def _account_and_region(environment: str) -> tuple[str, str]:
    """The account and region of the environment's stacks, which snapshots/ records."""
    file = snapshots.FOLDER / environment / snapshots.STACKS
    if not file.exists():  # the environment was never recorded
        return ACCOUNT, REGION
    recorded = json.loads(file.read_text()).values()
    account, region = next(iter(recorded))["environment"].removeprefix("aws://").split("/")
    return (ACCOUNT if account == ANY_ACCOUNT else account), region
