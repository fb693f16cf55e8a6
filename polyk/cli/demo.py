"""``polyk demo``: train a small convnet on real handwritten digits and show what it learned."""

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from polyk.models import Sequential


@click.command()
@click.option("--backend", help="Train on this backend; the default is the one in use.")
@click.option("--epochs", default=15, show_default=True, type=click.IntRange(1))
@click.option("--plot", type=click.Path(dir_okay=False), help="Draw the curves into this file.")
def command(backend: str | None, epochs: int, plot: str | None) -> None:
    """Train a small convnet on 1,797 handwritten digits."""
    import polyk
    from polyk.data import load_digits
    from polyk.select import current_device

    if plot:
        _pyplot()
    engine = polyk.get_backend(backend)
    (x, y), (x_test, y_test) = load_digits()
    with polyk.use(engine):
        polyk.set_random_seed(0)
        model = build()
        model.summary()
        adam = polyk.optimizers.Adam(learning_rate=0.002)
        model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, epochs=epochs)
        _, accuracy = model.evaluate(x_test, y_test, verbose=0)
        images, labels = x_test[::52], y_test[::52]
        guesses = model.predict(images, verbose=0).argmax(axis=1)
    console = Console(highlight=False)
    console.print("\nHeld-out digits, and what the model takes them for:\n")
    console.print(draw(images, labels, guesses, console.color_system is not None))
    device = current_device() or engine.devices()[0]
    console.print(f"\nTest accuracy {accuracy:.1%} on {len(x_test)} held-out digits.")
    console.print(f"Backend {engine.name} ({engine.package}) on {device}.")
    if plot:
        _plot(history.history, accuracy, plot)
    _what_next(console, engine.name)


def build() -> "Sequential":
    """The demo's model: 8x8 images to 10 probabilities."""
    import polyk
    from polyk import layers

    return polyk.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def draw(images: Any, labels: Any, predictions: Any, color: bool) -> Table:
    """A row of `images` ``(N, H, W, 1)`` in half blocks, each above what it was taken for."""
    row = Table.grid(padding=(0, 3, 0, 0))
    answers = []
    for label, guess in zip(labels, predictions, strict=True):
        right = label == guess
        answers.append(
            Text(str(guess) if right else f"{guess}, not {label}", "" if right else "red")
        )
    row.add_row(*(_half_blocks(image[..., 0], color) for image in images))
    row.add_row(*answers)
    return row


def _half_blocks(image: Any, color: bool) -> Text:
    """Two rows of pixels in one line of text."""
    lines = []
    for top, bottom in zip(image[::2], image[1::2], strict=True):
        line = Text()
        for a, b in zip(top, bottom, strict=True):
            if color:
                line.append("▀", Style(color=_gray(a), bgcolor=_gray(b)))
            else:
                line.append(" ▄▀█"[2 * (a > 0.4) + (b > 0.4)])
        lines.append(line)
    return Text("\n").join(lines)


def _gray(value: float) -> str:
    level = round(255 * float(value))
    return f"#{level:02x}{level:02x}{level:02x}"


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise click.UsageError('--plot needs matplotlib: pip install "polyk[plot]"') from None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def _plot(history: dict[str, list[float]], accuracy: float, path: str) -> None:
    figure, axes = _pyplot().subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    epochs = range(1, 1 + len(history["loss"]))
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(epochs, history[name], marker=".", label="training")
        axis.set(xlabel="epoch", title=name)
    axes[1].axhline(accuracy, color="C1", linestyle="--", label=f"test: {accuracy:.1%}")
    axes[1].legend()
    figure.savefig(path)
    click.echo(f"Curves in {path}.")


def _what_next(console: Console, used: str) -> None:
    from polyk.plugins import installed

    console.print("\nNext:")
    for name, entries in installed().items():
        if name != used and len(entries) == 1:
            first = f"{entries[0].command} && " if entries[0].missing else ""
            console.print(f"  {first}polyk demo --backend {name}", markup=False)
    console.print("  polyk backends")
