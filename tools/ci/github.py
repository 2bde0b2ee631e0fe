"""The record of what is deployed, which GitHub keeps, and a job's outputs on GitHub Actions.

An environment's record is the newest GitHub deployment with the task TASK. Only `record` creates
such deployments, after a deploy succeeded. The jobs have `deployment: false`, because GitHub
otherwise adds a deployment for each job in an environment, also if it deploys nothing.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.cdk_cli.assembly import Json
from tools.errors import UserError

TASK = "deployed"


def recorded(environment: str) -> str | None:
    """The commit that is deployed to an environment, or None if no deploy is recorded."""
    query = ("--method", "GET", "-f", f"environment={environment}", "-f", f"task={TASK}")
    lines = _deployments("", *query, "--paginate", "--jq", r'.[] | "\(.id) \(.sha)"').splitlines()
    # GitHub does not document the order of the list.
    newest = max(lines, key=lambda line: int(line.split()[0]), default=None)
    return newest.split()[1] if newest else None


def record(environment: str, commit: str) -> None:
    """Record that a commit is deployed to an environment."""
    texts = ("-f", f"ref={commit}", "-f", f"environment={environment}", "-f", f"task={TASK}")
    # Otherwise GitHub would merge main into an older commit, and wait for the jobs in this run.
    values = ("-F", "auto_merge=false", "-F", "required_contexts[]")
    created = _deployments("", *texts, *values, "--jq", ".id")
    # Only for people: the deployment itself is the record.
    _deployments(f"/{created.strip()}/statuses", "-f", "state=success")


def write_outputs(outputs: Mapping[str, Json]) -> None:
    """Set the step's outputs, strings as they are and other values as JSON."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as file:
        file.writelines(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}\n"
            for key, value in outputs.items()
        )


def _deployments(path: str, *options: str) -> str:
    """What `gh` prints for a request below the repository's deployments in GitHub's REST API."""
    url = f"repos/{os.environ['GITHUB_REPOSITORY']}/deployments{path}"
    command = ["gh", "api", url, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"gh api {url}: {done.stderr.strip()} Repeat the job.")
    return done.stdout
