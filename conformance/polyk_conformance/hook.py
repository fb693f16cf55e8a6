"""The pytest11 entry point: loads the plugin only where the kit itself is asked for."""


def pytest_load_initial_conftests(early_config, args):
    if any("polyk_conformance" in str(arg) for arg in args):
        early_config.pluginmanager.import_plugin("polyk_conformance.plugin")
