"""Find insecure settings and stale acknowledgements: `python -m tools.security`."""

import shutil
import sys
from collections.abc import Iterable

from tools import scans, synth
from tools.console import console, reports_errors, waiting
from tools.project import environments
from tools.scans import Assembly


def examine(environment: str) -> int:
    """Scan an environment, print the faults, and return their number.

    Raises `UserError` if the environment does not synthesize or a scanner cannot run.
    """
    folder = scans.BUILD / environment
    shutil.rmtree(folder, ignore_errors=True)
    with waiting(f"Synthesizing {environment}, with cdk-nag"):
        # With one more pack of cdk-nag than `nox -s synth`.
        synth.synthesize(environment, "--context=serverless-checks=true", output=folder)
    assembly = Assembly(folder)
    faults, stale = 0, set(assembly.acknowledgements)
    for scanner in (scans.cdk_nag, scans.cfn_lint, scans.checkov):
        name = scanner.__name__.replace("_", "-")
        with waiting(f"Running {name}"):
            findings = list(scanner(assembly))
        unacknowledged = assembly.unacknowledged(findings)
        console.print(f"{name}: {len(findings)} findings, {len(unacknowledged)} not acknowledged")
        for finding in unacknowledged:
            console.print(f"\n{finding}\n", markup=False, soft_wrap=True)
        faults += len(unacknowledged)
        stale -= {assembly.acknowledgement(finding) for finding in findings}
    if faults:
        console.print(synth.ACKNOWLEDGE, soft_wrap=True)
    for line in _remove(stale):
        console.print(line, markup=False, soft_wrap=True)
    return faults + len(stale)


def _remove(stale: Iterable[tuple[str, str]]) -> Iterable[str]:
    """A line for each rule and construct that has a stale acknowledgement."""
    lines: dict[tuple[str, str], str] = {}
    for finding, path in sorted(stale):
        # cdk-nag has a finding for each wildcard of a policy: `AwsSolutions-IAM5[Action::s3:*]`.
        rule, bracket, wildcard = finding.partition("[")
        line = lines.get((path, rule), f"{path}: remove the stale acknowledgement of {rule}")
        lines[path, rule] = f"{line} {bracket}{wildcard}".rstrip()
    return lines.values()


@reports_errors
def main() -> int:
    """Examine every environment; return the exit status."""
    return min(1, sum(examine(environment) for environment in environments()))


if __name__ == "__main__":
    sys.exit(main())
