"""The tests do not see the user's settings."""

import importlib
import os

from tests import environment
from tools.variables import replaced_variables

SETTINGS = {
    "FORCE_COLOR": "1",
    "TERM": "dumb",
    "COLUMNS": "40",
    "AWS_PROFILE": "work",
    "CDK_DEFAULT_ACCOUNT": "999999999999",
    "https_proxy": "http://127.0.0.1:9",
    "GIT_DIR": "/nowhere",
    "GITHUB_STEP_SUMMARY": "/nowhere",
    "PYTHONWARNINGS": "error",
    "WEALTH_OPS_TARGET": "aws",
}


def test_settings_of_the_terminal_aws_git_and_github_are_removed() -> None:
    with replaced_variables({"PATH": "/bin", **SETTINGS}):
        importlib.reload(environment)
        assert SETTINGS.keys() & os.environ.keys() == set()
        assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
        assert os.environ["PATH"] == "/bin"
