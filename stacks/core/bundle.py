"""A Lambda function's files: its module, the modules that it imports, and its packages.

uv installs the packages from uv.lock for Lambda's platform, on any system and without Docker. Does
not import the CDK.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = "3.13"
# Lambda runs Python 3.13 on Amazon Linux 2023 (Lambda developer guide, "Runtimes"), which has
# glibc 2.34 (Amazon Linux 2023 user guide).
PLATFORM = "manylinux_2_34"
# Git hooks set variables, for example GIT_DIR, that lead to another repository. UV_EXCLUDE_NEWER
# hides packages in uv.lock, and uv does not accept UV_COMPILE_BYTECODE with --no-compile-bytecode.
IGNORED = re.compile("GIT_(?!CONFIG)|UV_COMPILE_BYTECODE|UV_EXCLUDE_NEWER")
MAX_BYTES = 262_144_000  # Lambda API reference, AccountLimit, CodeSizeUnzipped


class BundleError(ValueError):
    """A function's code is missing, differs between clones, or does not fit Lambda."""


@dataclass(frozen=True)
class Bundle:
    """The files that Lambda needs to run a handler such as `modules.prices.handler.handle`.

    `group` is a dependency group in pyproject.toml. `architecture` is `arm64` or `x86_64`.
    """

    handler: str
    group: str | None
    architecture: str

    def check(self) -> None:
        """Raise `BundleError` unless the handler and the group exist."""
        *names, function = self.handler.split(".")
        if names[:1] != ["modules"] or len(names) < 2 or not all(map(str.isidentifier, names)):
            raise BundleError(
                f"handler {self.handler!r}: write modules.<module>.<file>.<function>. The folder "
                "of a module is a Python package, so its name has underscores, not hyphens."
            )
        base = ROOT.joinpath("src", *names)
        path = next(filter(Path.exists, (base.with_suffix(".py"), base / "__init__.py")), None)
        if path is None:
            raise BundleError(f"handler {self.handler!r}: {_shown(base)}.py not found.")
        code = symtable.symtable(path.read_text("utf-8"), str(path), "exec")
        if function not in code.get_identifiers() or not code.lookup(function).is_local():
            raise BundleError(f"handler {self.handler!r}: {_shown(path)} defines no {function!r}.")
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        groups = project.get("dependency-groups", {})
        if self.group is not None and self.group not in groups:
            raise BundleError(
                f"dependency group {self.group!r} not found in pyproject.toml, which has "
                f"{', '.join(groups)}. Run `uv add --group {self.group} <package>`."
            )

    @cached_property
    def digest(self) -> str:
        """A hash of everything that determines the files. Raises `BundleError`."""
        inputs = {
            "recipe": sha256(Path(__file__).read_bytes()).hexdigest(),
            "architecture": self.architecture,
            "packages": self._packages,
            "files": {_shown(path): sha256(path.read_bytes()).hexdigest() for path in self._files},
        }
        return sha256(json.dumps(inputs).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the files into an empty folder. Raises `BundleError`."""
        if self._packages:
            self._install(folder)
        for path in self._files:
            target = folder / path.relative_to(ROOT / "src")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        _finish(folder)

    @cached_property
    def _files(self) -> list[Path]:
        files: list[Path] = []
        modules = ["__init__", self.handler.split(".")[1]]
        for module in modules:  # a module's imports extend the list
            found = _files(module)
            files += found
            for path in found:
                if path.suffix == ".py":
                    modules += sorted(_imports(path) - {*modules})
        return files

    @cached_property
    def _packages(self) -> str:
        """The group's packages with their versions and hashes, from uv.lock."""
        if self.group is None:
            return ""
        # The header would name this computer's Python.
        options = ("--frozen", "--no-header", f"--only-group={self.group}")
        try:
            return _uv("export", *options)
        except BundleError as error:
            raise BundleError(f"{error}\nIf pyproject.toml has changed, run `uv lock`.") from error

    def _install(self, folder: Path) -> None:
        options = (
            f"--target={folder}",
            f"--python-platform={self.architecture.replace('arm64', 'aarch64')}-{PLATFORM}",
            f"--python-version={PYTHON}",
            "--only-binary=:all:",
            "--require-hashes",
            "--no-deps",
            "--no-compile-bytecode",
            "--no-installer-metadata",
            "--link-mode=hardlink",  # the user may have chosen symbolic links
            "--requirements=-",
        )
        try:
            _uv("pip", "install", *options, text=self._packages)
        except BundleError as error:
            if "wheels" not in str(error):
                raise
            raise BundleError(
                f"{error}\nEach package of the group {self.group!r} needs a wheel for Lambda on "
                f"{self.architecture}: use another version of it, or the other architecture."
            ) from error
        # With its tests, pandas and pyarrow are too large for Lambda (268 MB instead of 244 MB).
        for path in [path for path in folder.rglob("tests") if path.is_dir()]:
            shutil.rmtree(path, ignore_errors=True)  # it may be in a removed folder
        # Scripts name this computer's Python, and RECORD has their hashes.
        scripts = [path for path in folder.glob("bin/*") if path.read_bytes().startswith(b"#!")]
        for path in (folder / ".lock", *folder.glob("*.dist-info/RECORD"), *scripts):
            path.unlink()


def _files(name: str) -> list[Path]:
    """The files in `src/modules/<name>`, a folder or file: in a git checkout, those that git has.

    Raises `BundleError` for a file that git neither has nor ignores: a clone would lack it.
    """
    folder = Path("src", "modules", name)
    file = folder.with_suffix(".py")
    if not (ROOT / ".git").exists():
        found = {ROOT / folder, ROOT / file, *(ROOT / folder).rglob("*")}
        return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)
    paths = ("--", str(folder), str(file))
    untracked = _run("git", "ls-files", "-z", "--others", "--exclude-standard", *paths)
    if untracked:
        names = untracked.rstrip("\0").split("\0")
        raise BundleError(
            f"{', '.join(names)}: not in git, so another clone would bundle other files. Run `git "
            f"add {os.path.commonpath(names)}`, or list the files in .gitignore."
        )
    tracked = _run("git", "ls-files", "-z", "--cached", *paths).split("\0")
    return sorted({ROOT / name for name in tracked if name and (ROOT / name).exists()})


def _imports(path: Path) -> set[str]:
    """The module names in `src/modules` that a file imports."""
    package = ".".join(path.parent.relative_to(ROOT / "src").parts)
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes(), path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            found += [f"{base}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in found if name.startswith("modules.")}


def _finish(folder: Path) -> None:
    """Make all files readable for Lambda, and check their size."""
    sizes: Counter[str] = Counter()
    for path in filter(Path.is_file, folder.rglob("*")):
        status = path.stat()
        sizes[path.relative_to(folder).parts[0]] += status.st_size
        # With the user's umask, Lambda could lack the permission (Lambda developer guide,
        # "Troubleshoot deployment issues").
        path.chmod(0o755 if status.st_mode & 0o111 else 0o644)
    if sizes.total() > MAX_BYTES:
        largest = ", ".join(f"{name} ({size >> 20} MB)" for name, size in sizes.most_common(5))
        raise BundleError(
            f"{sizes.total() >> 20} MB, and Lambda allows 250 MB unzipped. The largest parts are "
            f"{largest}. Remove packages from the group, or deploy an image."
        )


def _uv(*arguments: str, text: str = "") -> str:
    # `uv run` sets UV. uv needs any Python, which does not affect the result.
    options = ("--color=never", "--no-progress", "--quiet", f"--python={sys.executable}")
    return _run(os.environ.get("UV", "uv"), *arguments, *options, text=text)


def _run(*command: str, text: str = "") -> str:
    variables = {key: value for key, value in os.environ.items() if not IGNORED.match(key)}
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=variables,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BundleError(f"{command[0]} not found. Install it, or add it to the PATH.") from error
    if done.returncode:
        name = " ".join([Path(command[0]).name, *command[1:3]])
        raise BundleError(f"`{name}`: {done.stderr.strip()}")
    return done.stdout


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
