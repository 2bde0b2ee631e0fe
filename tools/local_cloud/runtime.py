"""What Lambda functions on the local cloud find besides their bundle: the same as on AWS."""

import os
import sysconfig
import venv
from pathlib import Path

from tools.cdk_cli.node import NODE
from tools.project import ROOT
from tools.variables import NO_CONFIGURATION

# AWS's Python runtime includes boto3 and its dependencies (Lambda developer guide, "Runtime
# dependencies in Python").
PYTHON_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


def create_python(folder: Path) -> Path:
    """Create a Python that imports only the standard library and `PYTHON_PACKAGES`.

    Returns its executable. The packages are links to those in the project environment.
    """
    venv.create(folder, clear=True, symlinks=True)
    source = Path(sysconfig.get_path("purelib"))
    target = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    for name in PYTHON_PACKAGES:
        (target / name).symlink_to(source / name)
    return folder / "bin" / "python"


def variables(python: Path) -> dict[str, str]:
    """The environment variables of functions; `python` is what `create_python` returns."""
    programs = (str(python.parent), str(NODE.parent), "/usr/local/bin", "/usr/bin", "/bin")
    return {
        **NO_CONFIGURATION,
        # MiniStack starts the first node on the PATH.
        "PATH": os.pathsep.join(programs),
        # AWS's Node runtime includes the AWS SDK. MiniStack replaces some of its packages, but not
        # those that the CDK's own functions for `ec2.Vpc` and `auto_delete_objects` import:
        # package.json lists them. Without them, CloudFormation waits an hour for some functions.
        "NODE_PATH": str(ROOT / "node_modules"),
        # AWS's default (Lambda developer guide, "Defined runtime environment variables").
        "TZ": ":UTC",
    }
