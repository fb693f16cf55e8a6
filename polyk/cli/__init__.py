"""The ``polyk`` command. Each subcommand is a module here, imported when it is asked for."""

from importlib import import_module
from typing import Any

import click

from polyk import __version__
from polyk.errors import PolykError, did_you_mean

COMMANDS = ("backends", "bench", "conformance", "convert", "demo", "export")


class Commands(click.Group):
    """Subcommands by module name; polyk's own errors end them without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            ctx.fail(f"no command {name!r}.{did_you_mean(name, COMMANDS)}")
        command: click.Command = import_module(f"polyk.cli.{name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PolykError as e:
            raise click.ClickException(str(e)) from e


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="polyk")
def main() -> None:
    """Write a model once, run it on any array engine."""
