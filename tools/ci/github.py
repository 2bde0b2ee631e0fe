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

from tools.cdk_cli.assembly import Json, at
from tools.errors import UserError

TASK = "deployed"
# The REST API does not document how it orders deployments.
_NEWEST = """
query($owner: String!, $name: String!, $environment: String!) {
  repository(owner: $owner, name: $name) {
    deployments(
      environments: [$environment], first: 100, orderBy: {field: CREATED_AT, direction: DESC}
    ) { nodes { commitOid task } }
  }
}
"""


def recorded(environment: str) -> str | None:
    """The commit that is deployed to an environment, or None if no deploy is recorded."""
    owner, name = os.environ["GITHUB_REPOSITORY"].split("/")
    variables = {"owner": owner, "name": name, "environment": environment}
    answer = _post("graphql", {"query": _NEWEST, "variables": variables})
    nodes = at(answer, "data.repository.deployments.nodes")
    if not isinstance(nodes, list):
        raise UserError(f"GitHub returned no deployments for {environment!r}: {answer}")
    return next((str(at(node, "commitOid")) for node in nodes if at(node, "task") == TASK), None)


def record(environment: str, commit: str) -> None:
    """Record that a commit is deployed to an environment."""
    repository = os.environ["GITHUB_REPOSITORY"]
    run = (
        f"{os.environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{os.environ['GITHUB_RUN_ID']}"
    )
    deployment: dict[str, Json] = {
        "ref": commit,
        "environment": environment,
        "task": TASK,
        "auto_merge": False,  # GitHub would merge main into an older commit
        "required_contexts": [],  # jobs in this run have not ended yet
    }
    created = _post(f"repos/{repository}/deployments", deployment)
    # Only for people: the deployment itself is the record.
    statuses = f"repos/{repository}/deployments/{at(created, 'id')}/statuses"
    _post(statuses, {"state": "success", "log_url": run})


def write_outputs(outputs: Mapping[str, Json]) -> None:
    """Set the step's outputs, strings as they are, other values as JSON; elsewhere do nothing."""
    if "GITHUB_OUTPUT" not in os.environ:
        return
    lines = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}\n"
        for key, value in outputs.items()
    ]
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as file:
        file.writelines(lines)


def _post(path: str, body: Mapping[str, Json]) -> Json:
    """GitHub's API response; raises `UserError` if the request fails."""
    command = ["gh", "api", "--method", "POST", path, "--input", "-"]
    done = subprocess.run(
        command, input=json.dumps(body), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"gh api {path}: {done.stderr.strip()} Repeat the job.")
    answer: Json = json.loads(done.stdout)
    return answer
