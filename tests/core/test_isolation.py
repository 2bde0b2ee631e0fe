"""Tests do not change the user's repository, and do not depend on the user's settings."""

import os
import subprocess
import sys
from pathlib import Path

from tools.project import ROOT

# As tests/conftest.py does, before a test runs git.
PROBE = """
import sys
from pathlib import Path
from tests import environment
from tests.git import git

folder = Path(sys.argv[1])
git(folder, "init", "--quiet")
git(folder, "commit", "--quiet", "--allow-empty", "--message=Record")
assert git(folder, "log", "--format=%s") == "Record"
"""


def test_tests_in_a_git_hook_do_not_change_the_users_repository(tmp_path: Path) -> None:
    users = tmp_path / "users"  # git with GIT_DIR would create a repository here
    # A git hook's variables, and a setting that signs commits.
    variables = {
        "GIT_DIR": str(users / ".git"),
        "GIT_INDEX_FILE": str(users / ".git" / "index"),
        "GIT_WORK_TREE": str(users),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "commit.gpgsign",
        "GIT_CONFIG_VALUE_0": "true",
    }
    probe = [sys.executable, "-c", PROBE, str(tmp_path)]
    subprocess.run(probe, cwd=ROOT, env=os.environ | variables, check=True)
    assert not users.exists()


def test_the_tests_have_no_settings_of_the_user() -> None:
    """`tests/conftest.py` removed them."""
    assert os.environ["GIT_CONFIG_GLOBAL"] == os.devnull
    assert "TERM" not in os.environ
