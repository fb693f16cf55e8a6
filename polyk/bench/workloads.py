"""The workloads: usual models at usual sizes, and single ops over a grid of sizes.

A model is written once, in the names that polyk shares with Keras, and ends in 10 logits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from polyk.bench.suite import Task

if TYPE_CHECKING:
    from polyk.bench.suite import Suite

Data = Callable[[np.random.Generator, int], tuple[Any, ...]]


def _labeled(*shape: int) -> Data:
    """Normal inputs of `shape` and labels 0 to 9."""
    return lambda rng, n: (_normal(rng, n, *shape), _labels(rng, n))


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape, dtype=np.float32)


def _labels(rng: np.random.Generator, n: int) -> Any:
    return rng.integers(0, 10, n).astype(np.int32)


def _mlp(batch: int = 128, width: int = 512, depth: int = 2) -> Task:
    def model(k: Any) -> Any:
        hidden = [k.layers.Dense(width, activation="relu") for _ in range(depth)]
        return k.Sequential([k.layers.Input((784,)), *hidden, k.layers.Dense(10)])

    macs = 784 * width + (depth - 1) * width * width + 10 * width
    return Task("train", _labeled(784), model, batch, 40, macs)


def _tiny(batch: int = 32) -> Task:
    def model(k: Any) -> Any:
        return k.Sequential([k.layers.Input((32,)), k.layers.Dense(10)])

    return Task("train", _labeled(32), model, batch, 200, 320)


def _convnet_model(k: Any) -> Any:
    return k.Sequential([
        k.layers.Input((28, 28, 1)),
        k.layers.Conv2D(32, 3, activation="relu"),
        k.layers.Conv2D(64, 3, activation="relu"),
        k.layers.MaxPooling2D(2),
        k.layers.Flatten(),
        k.layers.Dense(128, activation="relu"),
        k.layers.Dense(10),
    ])  # fmt: skip


_CONVNET_MACS = 26**2 * 9 * 32 + 24**2 * 288 * 64 + 9216 * 128 + 1280


def _convnet(batch: int = 128) -> Task:
    return Task("train", _labeled(28, 28, 1), _convnet_model, batch, 4, _CONVNET_MACS)


def _infer(batch: int = 1) -> Task:
    def data(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        return (_normal(rng, n, 28, 28, 1),)

    steps = max(4, 200 // batch)
    return Task("infer", data, _convnet_model, batch, steps, _CONVNET_MACS)


def _vgg(batch: int = 100) -> Task:
    def model(k: Any) -> Any:
        body = []
        for _ in range(3):
            body += [k.layers.Conv2D(64, 3, padding="same", activation="relu")]
            body += [k.layers.MaxPooling2D(2)]
        top = [k.layers.Flatten(), k.layers.Dense(1024, activation="relu"), k.layers.Dense(10)]
        return k.Sequential([k.layers.Input((64, 64, 3)), *body, *top])

    macs = 64**2 * 27 * 64 + (32**2 + 16**2) * 576 * 64 + 4096 * 1024 + 10240
    return Task("train", _labeled(64, 64, 3), model, batch, 2, macs)


def _resnet(batch: int = 64) -> Task:
    """ResNet-20 of He et al. (2016) for 32x32 images, with 1x1 convolutions where sizes change."""

    def model(k: Any) -> Any:
        x = inputs = k.layers.Input((32, 32, 3))
        x = k.layers.Activation("relu")(_normed(k, x, 16, 3, 1))
        for stage, filters in enumerate((16, 32, 64)):
            for block in range(3):
                x = _residual(k, x, filters, 2 if stage and not block else 1, not block and stage)
        x = k.layers.GlobalAveragePooling2D()(x)
        return k.Model(inputs, k.layers.Dense(10)(x))

    macs = 32**2 * (27 * 16 + 6 * 9 * 16 * 16) + 640
    for side, c in ((16, 32), (8, 64)):
        macs += side**2 * (9 * c * c // 2 + 5 * 9 * c * c + c * c // 2)
    momentum = {"learning_rate": 0.01, "momentum": 0.9}
    return Task("train", _labeled(32, 32, 3), model, batch, 2, macs, "SGD", momentum)


def _normed(k: Any, x: Any, filters: int, size: int, strides: int) -> Any:
    x = k.layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
    return k.layers.BatchNormalization()(x)


def _residual(k: Any, x: Any, filters: int, strides: int, project: Any) -> Any:
    shortcut = _normed(k, x, filters, 1, strides) if project else x
    y = k.layers.Activation("relu")(_normed(k, x, filters, 3, strides))
    y = _normed(k, y, filters, 3, 1)
    return k.layers.Activation("relu")(k.layers.Add()([y, shortcut]))


def _lstm(batch: int = 64) -> Task:
    def model(k: Any) -> Any:
        return k.Sequential([k.layers.Input((64, 32)), k.layers.LSTM(128), k.layers.Dense(10)])

    return Task("train", _labeled(64, 32), model, batch, 4, 64 * 160 * 512 + 1280)


def _text(batch: int = 64) -> Task:
    def model(k: Any) -> Any:
        return k.Sequential([
            k.layers.Input((64,), dtype="int32"),
            k.layers.Embedding(10000, 64),
            k.layers.GRU(128),
            k.layers.Dense(10),
        ])  # fmt: skip

    def data(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        return rng.integers(0, 10000, (n, 64)).astype(np.int32), _labels(rng, n)

    return Task("train", data, model, batch, 4, 64 * 192 * 384 + 1280)


def _transformer(batch: int = 32) -> Task:
    def model(k: Any) -> Any:
        x = inputs = k.layers.Input((64, 128))
        attended = k.layers.MultiHeadAttention(4, 32)(x, x)
        x = k.layers.LayerNormalization()(k.layers.Add()([x, attended]))
        hidden = k.layers.Dense(128)(k.layers.Dense(512, activation="relu")(x))
        x = k.layers.LayerNormalization()(k.layers.Add()([x, hidden]))
        return k.Model(inputs, k.layers.Dense(10)(k.layers.GlobalAveragePooling1D()(x)))

    macs = 64 * (4 * 128**2 + 2 * 128 * 512 + 2 * 64 * 128) + 1280
    return Task("train", _labeled(64, 128), model, batch, 8, macs)


def _elementwise(op: str, operands: int, size: int = 1000) -> Task:
    def data(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        return tuple(_normal(rng, size) for _ in range(operands))

    return Task("op", data, steps=max(10, 1_000_000 // (size + 1000)), op=op)


def _matmul(size: int = 256) -> Task:
    def data(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        return _normal(rng, size, size), _normal(rng, size, size)

    return Task("op", data, steps=max(5, 500_000 // (size**2 + 1000)), macs=size**3, op="matmul")


def _conv(kind: str, side: int = 28, channels: int = 32, batch: int = 16) -> Task:
    def data(rng: np.random.Generator, n: int) -> tuple[Any, ...]:
        x = _normal(rng, batch, side, side, channels)
        return x, _normal(rng, 3, 3, channels, channels) * np.float32(0.1)

    macs = batch * (side - 2) ** 2 * 9 * channels**2
    return Task(kind, data, steps=10, macs=macs, op="conv")


_WORKLOADS: dict[str, tuple[Callable[..., Task], str]] = {
    "mlp": (_mlp, "MLP 784-512-512-10, batch 128, Adam"),
    "convnet": (_convnet, "convnet on 28x28 images, batch 128, Adam"),
    "vgg": (_vgg, "VGG-like net on 64x64 images, batch 100, Adam"),
    "resnet": (_resnet, "ResNet-20 on 32x32 images, batch 64, SGD with momentum"),
    "lstm": (_lstm, "LSTM 128 over 64 steps, batch 64, Adam"),
    "text": (_text, "embedding and GRU 128 over 64 words, batch 64, Adam"),
    "transformer": (_transformer, "transformer block of 128, 4 heads, 64 steps, batch 32, Adam"),
    "tiny": (_tiny, "one Dense layer, batch 32, Adam"),
    "infer": (_infer, "convnet, inference, batch 1"),
    "infer256": (partial(_infer, 256), "convnet, inference, batch 256"),
    "add": (partial(_elementwise, "add", 2), "add of 1,000 numbers"),
    "exp": (partial(_elementwise, "exp", 1), "exp of 1,000 numbers"),
    "matmul": (_matmul, "matmul of 256x256"),
    "conv": (partial(_conv, "op"), "3x3 convolution, 16 images of 28x28x32"),
    "conv_gradient": (partial(_conv, "gradient"), "gradients of that convolution"),
}
QUICK = ("mlp", "tiny", "infer", "add")
TRAINING = ("mlp", "convnet", "vgg", "resnet", "lstm", "text", "transformer", "tiny")
OPS = (
    "add:size=16", "add", "add:size=1000000", "exp:size=16", "exp", "exp:size=1000000",
    "matmul:size=4", "matmul", "matmul:size=1024", "conv", "conv:side=56,channels=64",
    "conv_gradient", "conv_gradient:side=56,channels=64",
)  # fmt: skip
GROWTH = {
    "batch": [f"mlp:batch={n}" for n in (16, 32, 64, 128, 256, 512)],
    "depth": [f"mlp:depth={n}" for n in (1, 2, 4, 8, 16)],
    "width": [f"mlp:width={n}" for n in (32, 64, 128, 256, 512, 1024)],
}
GROUPS = {
    "training": TRAINING, "inference": ("infer", "infer256"), "ops": OPS, "quick": QUICK,
    **{f"growth-{axis}": tuple(names) for axis, names in GROWTH.items()},
}  # fmt: skip


def add_to(suite: Suite) -> None:
    """Offer all of them."""
    for name, (make, title) in _WORKLOADS.items():
        suite.add_workload(name, make, title)
    suite.groups.update(GROUPS)
