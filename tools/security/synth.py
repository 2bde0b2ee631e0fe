"""Synthesize apps and lint their templates: `python -m tools.security.synth storage dev`."""

import sys

from tools.cdk_cli.synth import ACKNOWLEDGE, REPORT_FINDINGS, synthesize_all
from tools.console import say, waiting
from tools.errors import UserError, reports_errors
from tools.security.scans import ScannedAssembly, cdk_nag, cfn_lint_all, start_cfn_lint


@reports_errors
def main(names: list[str]) -> int:
    """Synthesize and lint the apps `names`; return the exit status."""
    with start_cfn_lint() as cfn_lint:  # it loads while the apps run
        with waiting(f"Synthesizing {', '.join(names)}"):
            folders = synthesize_all(names, context=REPORT_FINDINGS)
        assemblies = [ScannedAssembly(folder) for folder in folders.values()]
        with waiting("Linting"):
            linted = cfn_lint_all(assemblies, cfn_lint)
    findings = [
        finding
        for assembly, found in zip(assemblies, linted, strict=True)
        for finding in assembly.unacknowledged([*cdk_nag(assembly, warnings=False), *found])
    ]
    if findings:
        raise UserError("\n\n".join([*map(str, findings), ACKNOWLEDGE]))
    for name, assembly in zip(names, assemblies, strict=True):
        say(f"{name}: {', '.join(file.name for file in assembly.files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
