"""The code that runs in AWS: a package for each module.

A Lambda function's handler, e.g. `modules.prices.ingest.handler`:

    def handler(event: dict[str, Any], context: object) -> None:
"""
