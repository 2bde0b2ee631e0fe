"""Tests do not change the user's repository, and do not depend on the user's settings."""

import os
import subprocess
import sys
from pathlib import Path

from tools.project import ROOT

PROBE = """
from tests.git import git

def test_a_commit_goes_to_the_repository_of_the_test(tmp_path):
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message=Record")
    assert git(tmp_path, "log", "--format=%s") == "Record"
"""


def test_tests_in_a_git_hook_do_not_change_the_users_repository(tmp_path: Path) -> None:
    (tmp_path / "test_probe.py").write_text(PROBE)
    users = tmp_path / "users"  # git with GIT_DIR would create a repository here
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", str(tmp_path)],
        cwd=ROOT,
        # A git hook's variables, and a setting that signs commits.
        env={
            **os.environ,
            "GIT_DIR": str(users / ".git"),
            "GIT_INDEX_FILE": str(users / ".git" / "index"),
            "GIT_WORK_TREE": str(users),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "commit.gpgsign",
            "GIT_CONFIG_VALUE_0": "true",
            "FORCE_COLOR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert not users.exists()
