"""Scan every environment for insecure settings: `python -m tools.security`.

A finding that no construct acknowledges fails the scan, and so does an acknowledgement of a finding
that no scanner reports.
"""

import shutil
import sys
from collections.abc import Iterable

from tools import scans, synth
from tools.console import console, reports_errors, waiting
from tools.project import environments
from tools.scans import Assembly


def examine(environment: str) -> int:
    """Scan an environment, print the findings, and return the number of faults.

    Raises `UserError` if the environment does not synthesize or a scanner cannot run.
    """
    folder = scans.BUILD / environment
    shutil.rmtree(folder, ignore_errors=True)
    with waiting(f"Synthesizing {environment}, with cdk-nag"):
        # One pack of cdk-nag more than an everyday synthesis has.
        synth.synthesize(environment, "--context=serverless-checks=true", output=folder)
    assembly = Assembly(folder)
    faults = 0
    stale = set(assembly.acknowledgements)
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
    return faults + _report_stale(stale)


def _report_stale(stale: Iterable[tuple[str, str]]) -> int:
    """Print a line for each rule and construct, and return the number of lines."""
    # cdk-nag has a finding for each wildcard of a policy: `AwsSolutions-IAM5[Action::s3:*]`.
    wildcards: dict[tuple[str, str], list[str]] = {}
    for finding, path in sorted(stale):
        rule, bracket, wildcard = finding.partition("[")
        wildcards.setdefault((path, rule), []).append(bracket + wildcard)
    for (path, rule), found in wildcards.items():
        line = f"{path}: stale acknowledgement of {rule} {' '.join(found)}".rstrip()
        console.print(line, markup=False, soft_wrap=True)
    return len(wildcards)


@reports_errors
def main() -> int:
    """Examine every environment; return the exit status."""
    faults = sum(examine(environment) for environment in environments())
    if faults:
        console.print(
            f"\n{synth.ACKNOWLEDGE} Remove each stale acknowledgement, which no scanner reports, "
            "from the `acknowledge` call of its construct.",
            soft_wrap=True,
        )
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
