"""Tests do not change the user's repository, and do not depend on the user's settings."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import git
from tools.project import ROOT

PROBE = """
import subprocess
from pathlib import Path

def test_a_commit_goes_to_the_repository_of_the_test(tmp_path: Path) -> None:
    commit = ["commit", "--quiet", "--allow-empty", "--message=Record"]
    for command in (["init", "--quiet"], commit):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    log = subprocess.run(["git", "log"], cwd=tmp_path, capture_output=True, check=True)
    assert log.stdout.count(b"Record") == 1
"""


def test_tests_in_a_git_hook_do_not_change_the_users_repository(tmp_path: Path) -> None:
    users, probe = tmp_path / "users", tmp_path / "probe"
    users.mkdir()
    git(users, "init", "--quiet")
    git(users, "commit", "--quiet", "--allow-empty", "--message=Mine")
    state = (users / ".git" / "config").read_text(), git(users, "log", "--all", "--format=%s")
    probe.mkdir()
    (probe / "test_probe.py").write_text(PROBE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", str(probe)],
        cwd=ROOT,
        # The variables of a git hook, and a setting that signs commits.
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
    assert state == (
        (users / ".git" / "config").read_text(),
        git(users, "log", "--all", "--format=%s"),
    )
