"""The CDK CLI of package-lock.json, its Node, and the cloud assemblies that it writes."""
