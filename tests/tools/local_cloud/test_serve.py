"""`nox -s cloud` prints variables for clients."""

import os
import subprocess
import sys
from pathlib import Path

from tests.clouds import Tools
from tools.local_cloud.client import ACCOUNT, local_cloud
from tools.local_cloud.folder import HOST

CLIENT = """
import boto3, os

print(boto3.client("sts").get_caller_identity()["Account"])
for key in ("WEALTH_OPS_TARGET", "NO_PROXY", "no_proxy"):
    print(os.environ[key])
"""


def test_a_shell_with_the_printed_variables_reaches_only_the_local_cloud(
    tools: Tools, tmp_path: Path
) -> None:
    users = {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "real",
        "HTTPS_PROXY": "http://192.0.2.1:1",
        "NO_PROXY": "upper.example",
        "no_proxy": "lower.example",
        "WEALTH_OPS_TARGET": "aws",
    }
    with local_cloud(tmp_path / "a cloud") as cloud:
        status, output = tools(
            "cloud", WEALTH_OPS_CLOUD=str(cloud.directory), WEALTH_OPS_TARGET="aws"
        )
        assert status == 0
        assert f"is already up at {cloud.url}" in output
        assert cloud.server
        assert cloud.server.poll() is None
        lines = [line for line in output.splitlines() if line.startswith(("export ", "unset "))]
        shell = subprocess.run(
            ["sh", "-c", "\n".join([*lines, '"$0" -c "$1"']), sys.executable, CLIENT],
            env=os.environ | users,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    account, target, *hosts = shell.stdout.splitlines()
    assert (account, target) == (ACCOUNT, "local")
    for names in hosts:
        assert {HOST, "upper.example", "lower.example"} == {*names.split(",")}
