"""The code that runs in AWS: a package for each module.

The handler of a Lambda function, e.g. `modules.prices.ingest.handler`:

    def handler(event: dict[str, Any], context: object) -> None:
"""
