"""``polyk conformance``: prove a backend, write the report, compare two, replay a failing case."""

import sys
from importlib import import_module, util
from typing import Any

import click
from rich.console import Console

NEEDS = ("pytest", "hypothesis", "polyk_conformance")
PROFILES = ("quick", "ci", "full", "deep")


class Kit(click.Group):
    """A name that is no subcommand is the backend to prove."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            return "run", self.commands["run"], args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["run", *args]  # options before the name
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "NAME [OPTIONS] | compare A B | replay CASE")


@click.group(cls=Kit)
def command() -> None:
    """Prove that a backend does what polyk promises.

    NAME is an installed backend, or module:Class. The exit status is 0 if every check passed.
    """


@command.command()
@click.argument("name")
@click.option("--device", metavar="D", help="Run on this device of the backend.")
@click.option("--profile", type=click.Choice(PROFILES), default="ci", show_default=True)
@click.option("--op", metavar="OP", help="Run only the checks of this op.")
@click.option("--seed", type=int, metavar="N", help="Draw other examples than the usual ones.")
@click.option("--known", type=click.Path(exists=True), help="A file of known failures.")
@click.option("--report", type=click.Path(file_okay=False), metavar="DIR",
              help="Write a page to open, the same as JSON, and what failed.")  # fmt: skip
def run(name: str, report: str | None, **options: Any) -> None:
    """Run the kit on the backend NAME."""
    kit, console = _kit(), Console(highlight=False)
    try:
        found = kit.run(name, console=console, **options)
    except RuntimeError as e:
        raise click.ClickException(str(e)) from None
    written = kit.write(found, report) if report else []
    kit.summary(found, console)
    for path in written:
        click.echo(f"wrote {path}", err=True)
    sys.exit(any(row["failed"] for row in found["levels"]))


@command.command()
@click.argument("first", type=click.Path(exists=True))
@click.argument("second", type=click.Path(exists=True))
def compare(first: str, second: str) -> None:
    """Show what changed from one report.json to another."""
    sys.exit(not _say(_kit().show_comparison, first, second))


@command.command()
@click.argument("case", type=click.Path(exists=True))
@click.option("--backend", metavar="NAME", help="Run it on this backend instead.")
def replay(case: str, backend: str | None) -> None:
    """Run a recorded case again."""
    sys.exit(not _say(_kit().show_replay, case, backend))


def _say(show: Any, *args: Any) -> bool:
    try:
        return bool(show(*args, Console(highlight=False)))
    except ValueError as e:
        raise click.ClickException(str(e)) from None


def _kit() -> Any:
    missing = [name for name in NEEDS if util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"the conformance kit needs {' and '.join(missing)}.\n"
            '  pip install "polyk[conformance]"'
        )
    return import_module("polyk_conformance.run")
