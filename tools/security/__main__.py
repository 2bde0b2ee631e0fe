"""Find insecure settings and stale acknowledgements: `python -m tools.security`."""

import shutil
import sys

from tools.cdk_cli import synth
from tools.console import say, waiting
from tools.errors import reports_errors
from tools.project import environments
from tools.security import scans
from tools.security.scans import ScannedAssembly


def examine(environment: str) -> int:
    """Scan an environment, print the faults, and return their number.

    Raises `UserError` if the environment does not synthesize or a scanner cannot run.
    """
    folder = scans.BUILD / environment
    shutil.rmtree(folder, ignore_errors=True)
    with waiting(f"Synthesizing {environment}, with cdk-nag"):
        # With one more pack of cdk-nag than `nox -s synth`.
        synth.synthesize(environment, "--context=serverless-checks=true", output=folder)
    assembly = ScannedAssembly(folder)
    faults, stale = 0, set(assembly.acknowledgements)
    for scanner in (scans.cdk_nag, scans.cfn_lint, scans.checkov):
        name = scanner.__name__.replace("_", "-")
        with waiting(f"Running {name}"):
            findings = list(scanner(assembly))
        unacknowledged = assembly.unacknowledged(findings)
        say(f"{name}: {len(findings)} findings, {len(unacknowledged)} not acknowledged")
        for finding in unacknowledged:
            say(f"\n{finding}\n")
        faults += len(unacknowledged)
        stale -= {assembly.acknowledgement(finding) for finding in findings}
    if faults:
        say(synth.ACKNOWLEDGE)
    for rule, path in sorted(stale):
        say(f"{path}: remove the stale acknowledgement of {rule}")
    return faults + len(stale)


@reports_errors
def main() -> int:
    """Examine every environment; return the exit status."""
    return min(1, sum(examine(environment) for environment in environments()))


if __name__ == "__main__":
    sys.exit(main())
