"""``polyk convert``: a model from one kind of file to another, on the NumPy backend."""

from pathlib import Path
from typing import Any

import click

from polyk import select
from polyk.saving import load_model, save_weights

MODELS = (".polyk", ".keras", ".h5", ".hdf5")
WEIGHTS = (".safetensors", ".weights.h5")


@click.command("convert")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace TARGET if it is there.")
def command(source: Path, target: Path, force: bool) -> None:
    """Write the model in SOURCE to TARGET; the suffixes say in which form.

    SOURCE: .polyk, or a file of Keras (.keras, .h5, .hdf5). TARGET: one of these, or the weights
    alone as .safetensors or .weights.h5. Nothing in a file is run.
    """
    if not target.name.endswith((*MODELS, *WEIGHTS)):
        raise click.UsageError(f"{target}: end it in one of {' '.join((*MODELS, *WEIGHTS))}")
    if target.exists() and not force:
        raise click.UsageError(f"{target} is there already; --force replaces it")
    with select.use("numpy"):
        model: Any = load_model(source)
        if target.name.endswith(WEIGHTS):
            save_weights(model, target)
        else:
            model.save(target)
    click.echo(f"{target}: {model.count_params():,} parameters, {target.stat().st_size:,} bytes")
