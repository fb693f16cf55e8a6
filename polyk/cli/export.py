"""``polyk export``: a saved model as a file for other runtimes."""

from pathlib import Path

import click

SUFFIXES = {".onnx": "onnx", ".pt2": "torch"}


@click.command()
@click.argument("model", type=click.Path(exists=True))
@click.argument("target", type=click.Path())
@click.option("--format", "kind", help="The default is what the name of TARGET says, else onnx.")
@click.option("--batch-size", type=click.IntRange(1), help="Fix the batch size.")
def command(model: str, target: str, kind: str | None, batch_size: int | None) -> None:
    """Write the saved model MODEL to TARGET in a format that other runtimes read."""
    import polyk
    from polyk import trees

    kind = kind or SUFFIXES.get(Path(target).suffix, "onnx")
    found = polyk.load_model(model)
    fixed = None
    if batch_size is not None:
        fixed = trees.map(lambda t: (batch_size, *t.shape[1:]), found.input)
    found.export(target, format=kind, input_signature=fixed)
    click.echo(f"wrote {target} ({kind})")
