"""Run CDK apps one after the other in one process, which loads the CDK once.

`python -m tools.cdk_cli.run_apps APP FOLDER [APP FOLDER …]` writes the cloud assembly of each app
into the folder after it.
"""

import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from itertools import batched


def main(arguments: Sequence[str]) -> None:
    """Run each app; exit with the first failing app's error."""
    for app, folder in batched(arguments, 2, strict=True):
        os.environ["CDK_OUTDIR"] = folder
        try:
            runpy.run_path(app, run_name="__main__")
        except ModuleNotFoundError as error:
            importer = traceback.extract_tb(error.__traceback__)[-1]
            sys.exit(
                f"{app} does not synthesize: {importer.filename}:{importer.lineno} imports "
                f"{error.name}, which does not exist. Correct the import; you may have renamed the "
                "folder."
            )
        except Exception:  # noqa: BLE001 (any error in the app)
            sys.excepthook(*sys.exc_info())
            sys.exit(f"\n{app} does not synthesize.")


if __name__ == "__main__":
    main(sys.argv[1:])
