"""Ruff's settings for src/ fit Lambda handlers, and refuse names that Python cannot import."""

import subprocess
import sys

import pytest

from tools.project import ROOT

HANDLER = '''"""Prices."""

from typing import Any


def handler(event: dict[str, Any], context: object) -> str:
    """Download the prices of an asset."""
    return f"/tmp/{event['asset']}"
'''


@pytest.mark.parametrize(
    ("folder", "fault"),
    [
        ("src/modules/data_bucket", ""),
        ("src/modules/price-feed", "Add an `__init__.py`"),
        ("tests", "Unused function argument: `context`"),
    ],
)
def test_ruff_accepts_a_handler_as_people_write_it_only_in_a_package_of_src(
    folder: str, fault: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", f"{folder}/handler.py", "-"],
        cwd=ROOT,
        input=HANDLER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == (not fault), done.stdout
    assert fault in done.stdout
