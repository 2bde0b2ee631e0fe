"""Record README's picture and table from a real deploy: `python -m tools.docs.picture`.

The deploy uses a new local cloud and no AWS credentials.
"""

import io
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tools.console import console, say
from tools.deployment.__main__ import main as deployment
from tools.docs.documents import fill
from tools.project import ROOT
from tools.security.__main__ import main as security
from tools.variables import replaced_variables, without_aws

COMMAND = "uv run nox -s synth deploy"
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "deploy.svg"
TABLE = "deployed"  # README's block with the table
WIDTH = 110


def main() -> int:
    """Synthesize, deploy, and record what the user sees; return the exit status."""
    console.record = True
    console.width = WIDTH
    console.is_interactive = False  # a line for each step, and no spinner frames
    say(f"$ {COMMAND}", style="bold")
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.md"
        variables = {
            "FORCE_COLOR": "1",  # for the CDK CLI
            "GITHUB_STEP_SUMMARY": str(summary),
            "WEALTH_OPS_CLOUD": str(Path(folder) / "cloud"),
        }
        with replaced_variables(without_aws(os.environ) | variables):
            if status := security([]) or deployment(["deploy"]):
                return status
        rows = [line for line in summary.read_text().splitlines() if line.startswith("|")]
    # Once more, because `say` leaves the wrapping of long lines to the terminal.
    picture = Console(record=True, width=WIDTH, file=io.StringIO())
    picture.print(Text.from_ansi(console.export_text(styles=True)))
    picture.save_svg(str(PICTURE), title="Wealth-Ops", unique_id="deploy")
    text = fill(README.read_text(encoding="utf-8"), TABLE, "\n".join(rows))
    README.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
