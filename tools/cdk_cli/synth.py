"""Synthesize the apps of domains and environments: `python -m tools.cdk_cli.synth storage dev`."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from stacks.core.environment import Environment
from stacks.core.templates import imports, read_templates
from tools.cdk_cli import cdk
from tools.cdk_cli.assembly import StackArtifact, read_stacks
from tools.console import console, waiting
from tools.errors import UserError, reports_errors
from tools.project import ROOT, domains, environments
from tools.security.scans import ScannedAssembly, cdk_nag, cfn_lint
from tools.variables import proxies, without_aws

# `cdk.json` names the app of the same environment; its cloud assembly is `cdk.out`.
DEFAULT_ENVIRONMENT = Environment.name
ACKNOWLEDGE = (
    "Fix each finding, or acknowledge it on its construct with a reason for the reviewer "
    "(`acknowledge` in stacks/core/findings.py)."
)


def apps() -> dict[str, Path]:
    """The CDK apps of this repository by name: one of each domain, one of each environment."""
    return {
        **{name: ROOT / "stacks" / name / "app.py" for name in domains()},
        **{name: ROOT / "apps" / name / "app.py" for name in environments()},
    }


def assembly_folder(name: str) -> Path:
    """The folder for the cloud assembly of an app."""
    return ROOT / ("cdk.out" if name == DEFAULT_ENVIRONMENT else f"build/synth/{name}")


def synthesize(name: str, *options: str, output: Path | None = None) -> Path:
    """Synthesize an app with `cdk synth` and its `options`, and return its cloud assembly.

    Templates depend only on the code, cdk.json and cdk.context.json. Therefore the app runs without
    the user's AWS configuration and CDK CLI settings, and the CLI does not look up context. For
    asset bundling, CDK_DOCKER and the proxies remain set.
    Raises `UserError` with the output of `cdk` if the synthesis fails.
    """
    app, output = apps()[name].relative_to(ROOT), output or assembly_folder(name)
    output.parent.mkdir(parents=True, exist_ok=True)
    # Without exec, the CLI would end only the shell of the app, not the app. `uv run` is not
    # needed, because this Python belongs to the project environment.
    run = f"exec {shlex.join([sys.executable, str(app)])}"
    done = subprocess.run(
        cdk.command(
            "synth", "--quiet", "--lookups=false", "--app", run, "--output", str(output), *options
        ),
        cwd=ROOT,
        env={
            **without_aws(os.environ),
            **proxies(os.environ),  # for bundling, which may download packages
            **cdk.supervised_variables(),
            # The CLI sets FORCE_COLOR=0, and Python prints colors for any value of FORCE_COLOR.
            "PYTHON_COLORS": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"{done.stdout}{done.stderr}\n{app} does not synthesize."
        if "Acknowledge with" in message:
            message += f"\n{ACKNOWLEDGE}"
        raise UserError(message, done.returncode)
    stacks = read_stacks(output)
    if name in environments():
        # Otherwise a copy of apps/dev with the old name would replace the stacks of dev.
        fix = f'Build every stack with Environment(name="{name}"), or rename the folder.'
        check_environment(name, stacks, str(app), fix)
        check_imports(output, str(app))
    _remove_stale_templates(output, stacks)
    return output


def check_environment(name: str, stacks: Iterable[StackArtifact], source: str, fix: str) -> None:
    """Raise `UserError` with `source` if a stack belongs to another environment.

    `fix` is a sentence; `{}` stands for the other environment.
    """
    for stack in stacks:
        if (other := stack.tags.get("Environment")) != name:
            raise UserError(
                f"{source}: {stack.id} belongs to the environment {other!r}, not to {name!r}. "
                f"{fix.format(other)}"
            )


def check_imports(assembly: Path, source: str) -> None:
    """Raise `UserError` with `source` if a stack imports what its environment does not export.

    The app of a domain alone lacks the other stacks, so call this for an environment. An export of
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


def _remove_stale_templates(output: Path, stacks: Iterable[StackArtifact]) -> None:
    # The CDK does not delete the template of a removed stack. Keep the templates of nested stacks,
    # because the manifest does not list them. Not before the synthesis: the CLI refuses to
    # synthesize into an assembly that another CLI deploys.
    templates = {stack.template for stack in stacks}
    for path in output.glob("*.template.json"):
        if path.name not in templates and not path.match("*.nested.template.json"):
            path.unlink()


@reports_errors
def main(names: list[str]) -> int:
    """Synthesize and lint each app of `names`; return the exit status."""
    for name in names:
        with waiting(f"Synthesizing {name}"):
            # Findings do not end the synthesis, so that one list shows those of cfn-lint too.
            assembly = ScannedAssembly(synthesize(name, "--ignore-errors"))
        with waiting("Linting"):
            linted = cfn_lint(assembly, informational=False)
            found = [*cdk_nag(assembly, warnings=False), *linted]
            findings = assembly.unacknowledged(found)
        if findings:
            raise UserError("\n\n".join([*map(str, findings), ACKNOWLEDGE]))
        console.print(f"{name}: {', '.join(file.name for file in assembly.files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
