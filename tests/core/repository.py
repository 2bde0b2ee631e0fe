"""A small repository and a package index on disk, for the bundle tests."""

import tarfile
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

FILES = {
    ".gitignore": "__pycache__/\n*.log\n",
    ".python-version": "3.13",  # for pyenv, which may provide uv
    "pyproject.toml": """
[project]
name = "example"
version = "1"
requires-python = ">=3.13"

[dependency-groups]
prices = ["scripted"]
source = ["unbuilt"]

[tool.uv]
package = false

[tool.uv.pip]  # as in the user's uv.toml
compile-bytecode = true
link-mode = "symlink"
""",
    "src/modules/__init__.py": "",
    "src/modules/prices/__init__.py": "",
    "src/modules/prices/handler.py": "def handle(event, context): ...",
    "src/modules/prices/assets.csv": "AAPL",
    "src/modules/other/__init__.py": "",
    "src/modules/other/names.py": "A = 1",
    "src/modules/money.py": "B = 1",
    "src/modules/unused/__init__.py": "",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def write_wheel(
    folder: Path, name: str, tag: str, files: dict[str, str], metadata: str = ""
) -> None:
    """Write a wheel (packaging.python.org, "Binary distribution format")."""
    info = f"{name}-1.0.dist-info"
    described = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/RECORD": "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as wheel:
        for path, content in (files | described).items():
            wheel.writestr(path, content)


def write_packages(folder: Path) -> None:
    """Write a package index (packaging.python.org, "Simple repository API")."""
    for machine in ("x86_64", "aarch64"):
        tag = f"cp313-cp313-manylinux_2_34_{machine}"
        write_wheel(folder / "compiled", "compiled", tag, {"compiled/machine": machine})
    scripted = {
        "scripted/__init__.py": "",
        "scripted/tests/__init__.py": "",
        "scripted/tests/tests/data": "",
        "scripted-1.0.data/scripts/binary": "ELF",
        "scripted-1.0.dist-info/entry_points.txt": "[console_scripts]\nrun = scripted:run\n",
    }
    requires = "Requires-Dist: compiled\n"
    write_wheel(folder / "scripted", "scripted", "py3-none-any", scripted, requires)
    write(folder, {"unbuilt-1.0/PKG-INFO": "Metadata-Version: 2.4\nName: unbuilt\nVersion: 1.0\n"})
    (folder / "unbuilt").mkdir()
    with tarfile.open(folder / "unbuilt" / "unbuilt-1.0.tar.gz", "w:gz") as source:
        source.add(folder / "unbuilt-1.0", "unbuilt-1.0")
    for package in folder.iterdir():
        links = [
            f'<a href="{file.name}#sha256={sha256(file.read_bytes()).hexdigest()}">{file.name}</a>'
            for file in package.iterdir()
        ]
        (package / "index.html").write_text("".join(links))
