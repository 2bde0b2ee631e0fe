"""The tests' environment variables: importing this module removes the user's settings.

`tests/conftest.py` imports it before everything else in this repository, because rich reads the
terminal's settings when `tools.console` is imported, and aws_cdk starts Node when it is imported.
"""

import os

from tools.variables import without_aws

# The terminal's width and colors change what rich, argparse and Python print.
_TERMINAL = ("CLICOLOR", "COLORTERM", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TERM")
_PYTHON = ("PYTHON_COLORS", "PYTHONDEVMODE", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PY_COLORS")
# With GIT_DIR, which git hooks set, a test would change the user's repository. GitHub's variables
# add reports to the job. WEALTH_OPS_TARGET and its like choose where to deploy.
_PREFIXES = (*_TERMINAL, *_PYTHON, "GIT_", "GITHUB_", "NODE_OPTIONS", "WEALTH_OPS_")
# The user's git settings may sign commits, rename the first branch or color every output.
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "nobody",
    "GIT_AUTHOR_EMAIL": "nobody",
    "GIT_COMMITTER_NAME": "nobody",
    "GIT_COMMITTER_EMAIL": "nobody",
}

_kept = {key: value for key, value in os.environ.items() if not key.startswith(_PREFIXES)}
os.environ.clear()
os.environ.update(without_aws(_kept) | _GIT)
