"""Walk the recipes that change the whole repository: `uv run nox -s growth` runs this too.

In a copy of this repository, promotes a change from the default environment to `growthprod` in
another account, and goes back. Then moves that environment to a third account, renames a domain,
and changes the project's name. Looks for the data after each.
"""

import re
import sys
import tempfile
from pathlib import Path

import boto3

from modules.data_bucket.keys import Tier, object_key
from stacks.core.environment import Environment
from tests.accounts import entered
from tests.growth.repository import commit, copy_repository, git, run
from tools.cdk_cli.synth import DEFAULT_ENVIRONMENT
from tools.local_cloud.client import ACCOUNT, LocalCloud, local_cloud

DEV = Environment(name=DEFAULT_ENVIRONMENT, account=ACCOUNT)
PROD = Environment(name="growthprod", account="222233334444")
LIVE = Environment(name="growthlive", account="333344445555")
KEY = object_key(Tier.RAW, "AAPL")
# The change that is promoted; it deletes old versions of objects earlier.
CHANGED = ("NONCURRENT_VERSION_DAYS = 90", "NONCURRENT_VERSION_DAYS = 60")
STORAGE = "stacks/storage/stack.py"
RENAMED = {
    "stacks.storage": "stacks.growthlake",
    "StorageStack": "GrowthlakeStack",
    'domain="storage"': 'domain="growthlake"',
    'Export("storage"': 'Export("growthlake"',
}
DEPLOY = ("nox", "-s", "deploy", "--", "--to", "local", "--environment")
DESTROY = ("nox", "-s", "destroy", "--", "--to", "local", "--yes", "--unprotect", "--environment")
ADOPT = "--import-existing-resources"


def main() -> None:
    """Walk every recipe; exit with the output of the command that fails."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_repository(Path(folder))
        with local_cloud(copy / ".cloud") as cloud:
            promote(copy, cloud)
            split(copy, cloud)
            rename_domain(copy, cloud)
            change_project(copy, cloud)
    print("The recipes work, and no data is lost.")


def promote(copy: Path, cloud: LocalCloud) -> None:
    """Deploy a change to one environment, promote it to another one, and go back."""
    add_environment(copy, PROD)
    first = git(copy, "rev-parse", "HEAD").strip()
    for environment in (DEV, PROD):
        run(copy, *DEPLOY, environment.name)
        put_data(cloud, environment)
    replace(copy / STORAGE, *CHANGED)
    run(copy, "nox", "-s", "snapshots")
    commit(copy, "Delete old versions earlier")
    run(copy, *DEPLOY, DEV.name)
    guard = ("nox", "-s", "guard", "--", "--base", first, "--exact", "--environment", PROD.name)
    report = run(copy, *guard, status=1)
    if f"{PROD.name}/StorageStack/DataBucket" not in report or f"{DEV.name}/" in report:
        sys.exit("The guard must report the change in the environment of the promotion only.")
    acknowledge(copy, "Acknowledge that old versions are deleted earlier", base="HEAD~1")
    second = git(copy, "rev-parse", "HEAD").strip()
    run(copy, *guard)
    run(copy, *DEPLOY, PROD.name)
    check_days(cloud, PROD, 60)
    git(copy, "switch", "--quiet", "--detach", first)
    run(copy, *guard[:5], second, *guard[6:])
    run(copy, *DEPLOY, PROD.name)
    check_days(cloud, PROD, 90)
    check_days(cloud, DEV, 60)
    git(copy, "switch", "--quiet", "main")
    for environment in (DEV, PROD):
        check_data(cloud, environment)


def split(copy: Path, cloud: LocalCloud) -> None:
    """Build an environment in another account, copy the data, and remove the old environment."""
    add_environment(copy, LIVE)
    run(copy, *DEPLOY, LIVE.name)
    copy_data(cloud, PROD, LIVE)
    run(copy, *DESTROY, PROD.name)
    git(copy, "rm", "-rq", f"apps/{PROD.name}")
    acknowledge(copy, "Remove an environment")
    for environment in (PROD, LIVE):
        check_data(cloud, environment)


def rename_domain(copy: Path, cloud: LocalCloud) -> None:
    """Delete the domain's stack, rename the domain, and adopt its data."""
    run(copy, *DESTROY, DEV.name, "StorageStack")
    for folder in ("stacks", "tests"):
        git(copy, "mv", f"{folder}/storage", f"{folder}/growthlake")
    for name in git(copy, "ls-files", "*.py").split():
        text = (copy / name).read_text()
        for old, new in RENAMED.items():
            text = text.replace(old, new)
        (copy / name).write_text(text)
    acknowledge(copy, "Rename the domain storage")
    run(copy, *DEPLOY, DEV.name, ADOPT)
    check_data(cloud, DEV)


def change_project(copy: Path, cloud: LocalCloud) -> None:
    """Build a system with another name, copy the data, and destroy the old system."""
    other = Environment(project="growthother", name=DEV.name, account=DEV.account)
    names = (f'project: str = "{DEV.project}"', f'project: str = "{other.project}"')
    replace(copy / "stacks/core/environment.py", *names)
    acknowledge(copy, "Change the project's name")
    run(copy, *DEPLOY, DEV.name)
    copy_data(cloud, DEV, other)
    git(copy, "switch", "--quiet", "--detach", "HEAD~1")
    run(copy, *DESTROY, DEV.name)
    git(copy, "switch", "--quiet", "main")
    for environment in (DEV, other):
        check_data(cloud, environment)


def add_environment(copy: Path, environment: Environment) -> None:
    """Add an environment in its account, and commit it."""
    account = str(environment.account)
    run(copy, "nox", "-s", "new", "--", "--environment", environment.name, "--account", account)
    commit(copy, f"Add {environment.name}")


def acknowledge(copy: Path, message: str, *, base: str = "HEAD") -> None:
    """Record the templates, acknowledge what the guard reports, and commit the change."""
    run(copy, "nox", "-s", "snapshots")
    git(copy, "add", "--all")
    report = run(copy, "nox", "-s", "guard", "--", "--base", base, status=1)
    lines = re.findall(r'^(".+") = ""$', report, re.MULTILINE)
    file = copy / "snapshots/acknowledged.toml"
    before = file.read_text() if file.exists() else ""
    kept = [line for line in before.splitlines() if not line.startswith(tuple(lines))]
    file.write_text("\n".join([*kept, *(f'{line} = "{message}"' for line in lines), ""]))
    commit(copy, message)


def replace(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, which must contain it."""
    text = path.read_text()
    if old not in text:
        sys.exit(f"{path} does not contain {old!r}.")
    path.write_text(text.replace(old, new))


def put_data(cloud: LocalCloud, environment: Environment) -> None:
    """Put an object into the environment's data bucket."""
    with entered(cloud, account=str(environment.account)):
        body = environment.name.encode()
        bucket = environment.resource_name("data")
        boto3.client("s3").put_object(Bucket=bucket, Key=KEY, Body=body)


def check_data(cloud: LocalCloud, environment: Environment) -> None:
    """Fail unless the environment's data bucket has the object."""
    with entered(cloud, account=str(environment.account)):
        boto3.client("s3").head_object(Bucket=environment.resource_name("data"), Key=KEY)


def copy_data(cloud: LocalCloud, old: Environment, new: Environment) -> None:
    """Copy the object, as `aws s3 sync` does."""
    with entered(cloud, account=str(old.account)):
        found = boto3.client("s3").get_object(Bucket=old.resource_name("data"), Key=KEY)
        body = found["Body"].read()
    with entered(cloud, account=str(new.account)):
        boto3.client("s3").put_object(Bucket=new.resource_name("data"), Key=KEY, Body=body)


def check_days(cloud: LocalCloud, environment: Environment, days: int) -> None:
    """Exit unless the deployed template keeps old versions for so many days."""
    with entered(cloud, account=str(environment.account)):
        stack = environment.stack_name("storage")
        template = boto3.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    if f"'NoncurrentDays': {days}" not in str(template):
        sys.exit(f"{stack} does not keep old versions for {days} days.")


if __name__ == "__main__":
    main()
