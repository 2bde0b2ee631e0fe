"""The tests do not see the user's settings."""

import json
import os
import subprocess
import sys

from tools.project import ROOT

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
    code = "from tests import environment; import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    assert SETTINGS.keys() & found.keys() == set()
    assert found["GIT_CONFIG_GLOBAL"] == os.devnull
    assert found["PATH"] == os.environ["PATH"]
