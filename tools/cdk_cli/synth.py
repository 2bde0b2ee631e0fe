"""Synthesize domain and environment apps."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from stacks.core.environment import Environment
from stacks.core.templates import imports, read_templates
from tools.cdk_cli import cdk, node
from tools.cdk_cli.assembly import StackArtifact, read_stacks
from tools.errors import UserError
from tools.project import ROOT, domains, environments
from tools.variables import without_aws

# `cdk.json` names the same environment's app.
DEFAULT_ENVIRONMENT = Environment.name
ASSEMBLIES = ROOT / "build" / "synth"
ACKNOWLEDGE = (
    "Fix each finding, or acknowledge it on its construct with a reason for the reviewer "
    "(`acknowledge` in stacks/core/findings.py)."
)
# Findings do not end the synthesis, so that one list shows every scanner's. The CDK CLI sets this
# context too, and reads the report itself.
REPORT_FINDINGS = {"@aws-cdk/core:failSynthOnValidationErrors": False}


def apps() -> dict[str, str]:
    """The CDK apps' paths in this repository, by name: one for each domain and environment."""
    folders = dict.fromkeys(domains(), "stacks") | dict.fromkeys(environments(), "apps")
    return {name: f"{folder}/{name}/app.py" for name, folder in folders.items()}


def synthesize_all(
    names: Iterable[str], *, folder: Path = ASSEMBLIES, context: Mapping[str, bool] | None = None
) -> Mapping[str, Path]:
    """Run apps in one process, and return their cloud assemblies, in `folder`, by name.

    Templates depend only on the code, cdk.json, cdk.context.json and `context`. Therefore the apps
    run without the user's AWS configuration, and without the CDK CLI, which would add context
    from `~/.cdk.json`. Raises `UserError` with the failing app's output, and for an assembly that a
    deploy could not use.
    """
    sources = apps()
    assemblies = {name: folder / name for name in names}
    arguments = []
    for name, assembly in assemblies.items():
        arguments += [sources[name], str(assembly)]
        for old in assembly.glob("*.json"):  # the CDK keeps the template of a removed stack
            old.unlink()
    _run(arguments, context or {})
    for name, assembly in assemblies.items():
        app = sources[name]
        _check_context(assembly, app)
        if name in environments():
            # Otherwise a copy of apps/dev with the old name would replace dev's stacks.
            fix = f'Build every stack with Environment(name="{name}"), or rename the folder.'
            check_environment(name, read_stacks(assembly), app, fix)
            check_imports(assembly, app)
    return assemblies


def _run(arguments: Sequence[str], context: Mapping[str, bool]) -> None:
    """Run apps in a process of their own; raise `UserError` with the output of one that fails."""
    node.check_home()
    done = subprocess.run(
        [sys.executable, "-m", "tools.cdk_cli.run_apps", *arguments],
        cwd=ROOT,
        env={
            **without_aws(os.environ, keep_proxies=True),  # bundling may download packages
            **cdk.VARIABLES,
            "CDK_CONTEXT_JSON": json.dumps(context),
            # Python prints colors for any value of FORCE_COLOR.
            "FORCE_COLOR": "0",
            "PYTHON_COLORS": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"{done.stdout}{done.stderr}".rstrip()
        hint = f"\n{ACKNOWLEDGE}" if "Acknowledge with" in message else ""
        raise UserError(f"{message}{hint}")


def _check_context(assembly: Path, app: str) -> None:
    """Raise `UserError` if the app needs context that only a lookup in AWS can find."""
    missing = json.loads((assembly / "manifest.json").read_text()).get("missing", [])
    if missing:
        raise UserError(
            f"{app} needs context that cdk.context.json does not have: "
            f"{', '.join(each['key'] for each in missing)}. Look it up once with AWS credentials, "
            f'and commit cdk.context.json:\n  uv run cdk synth --quiet --app "uv run {app}"'
        )


def check_environment(name: str, stacks: Iterable[StackArtifact], source: str, fix: str) -> None:
    """Raise `UserError` with `source` if a stack belongs to another environment.

    `fix` is a sentence; `{}` stands for the other environment.
    """
    for stack in stacks:
        other = stack.tags.get("Environment")
        if other != name:
            raise UserError(
                f"{source}: {stack.id} belongs to the environment {other!r}, not to {name!r}. "
                f"{fix.format(other)}"
            )


def check_imports(assembly: Path, source: str) -> None:
    """Raise `UserError` with `source` if a stack imports what its environment does not export.

    A domain's app alone lacks the other stacks, so call this for an environment. An export of
    another project or environment is not in the cloud assembly.
    """
    templates = read_templates(assembly)
    exported = {(template.environment, name) for template in templates for name in template.exports}
    for template in templates:
        own = f"{template.environment.resource_pattern}:*"
        for name in imports(template.content):
            if fnmatchcase(name, own) and (template.environment, name) not in exported:
                raise UserError(
                    f"{source}: {template.stack} imports {name}, but no stack of the environment "
                    f"exports it in {template.environment.region}. Build the exporting stack in "
                    "the app, or correct the export's domain and key."
                )
