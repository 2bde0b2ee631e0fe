"""Find insecure settings and stale acknowledgements: `python -m tools.security [storage …]`."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby

from tools.cdk_cli import synth
from tools.console import say, waiting
from tools.errors import reports_errors
from tools.project import environments
from tools.security import scans
from tools.security.scans import Acknowledgement, Finding, ScannedAssembly


def examine(name: str) -> int:
    """Scan a domain's or environment's app, print a report, and return how many faults it has.

    Raises `UserError` if the app does not synthesize or a scanner cannot run.
    """
    folder = scans.BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    with waiting(f"Synthesizing {name}, with cdk-nag"):
        # With one more cdk-nag pack than `nox -s synth`.
        context = synth.REPORT_FINDINGS | {"serverless-checks": True}
        synth.synthesize(name, output=folder, context=context)
    assembly = ScannedAssembly(folder)
    findings: list[Finding] = []
    for scanner in (scans.cdk_nag, scans.cfn_lint, scans.checkov):
        title = scanner.__name__.replace("_", "-")
        with waiting(f"Running {title}"):
            found = list(scanner(assembly))
        open_findings = len(assembly.unacknowledged(found))
        say(f"{title}: {len(found)} findings, {open_findings} not acknowledged")
        findings += found
    faults = assembly.unacknowledged(findings)
    for finding in faults:
        say(f"\n{finding}")
    if faults:
        say(f"\n{synth.ACKNOWLEDGE}")
    stale = assembly.stale(findings)
    for old in stale:
        say(f"\n{old.path} ({old.line}): remove the stale acknowledgement of {old.id}")
    say(f"\nAcknowledged findings in {name}:")
    _list(filter(None, map(assembly.acknowledgement, findings)))
    return len(faults) + len(stale)


def _list(acknowledgements: Iterable[Acknowledgement]) -> None:
    """Print each construct's acknowledgements by their reasons, for a security reviewer."""

    def where(found: Acknowledgement) -> tuple[str, str]:
        return found.path, found.reason

    for (path, reason), group in groupby(sorted(set(acknowledgements), key=where), where):
        rules = sorted(found.id for found in group)
        say("\n  ".join([f"\n{path}", reason, *rules]))
    say("")


@reports_errors
def main(arguments: Sequence[str]) -> int:
    """Examine the named apps, or every environment; return the exit status."""
    parser = argparse.ArgumentParser(prog="nox -s security --", allow_abbrev=False)
    known = ", ".join(synth.apps())
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{known}; default: every environment"
    )
    names = parser.parse_args(arguments).names
    for name in names:
        if name not in synth.apps():
            parser.error(f"domain or environment {name!r} not found; known: {known}")
    return min(1, sum(examine(name) for name in names or environments()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
