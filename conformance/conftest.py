"""Give the kit's options and fixtures to a run from a checkout."""

pytest_plugins = ["polyk_conformance.plugin"]
