"""A specimen of every layer: its class, its arguments and the shapes of its inputs, by family.

Arguments are those of Keras 3 and plain data, so that the same row makes a layer of either library.
A value that needs a layer is a function of the module that has the layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]
FIRST = {"data_format": "channels_first"}


@dataclass(frozen=True)
class Specimen:
    """``<layer>(**options)``, called on inputs of `shapes`; several inputs go in as a list."""

    layer: str
    options: dict[str, Any]
    shapes: tuple[Shape, ...]

    def __str__(self) -> str:
        said = ",".join(f"{k}={v}" for k, v in self.options.items() if not callable(v))
        return f"{self.layer}({said}){list(self.shapes[0])}".replace(" ", "").replace("'", "")

    def make(self, layers: Any, **more: Any) -> Any:
        """The layer, from the module `layers`."""
        options = {k: v(layers) if callable(v) else v for k, v in self.options.items()}
        return getattr(layers, self.layer)(**options, **more)

    def inputs(self, dtype: str = "float32", seed: int = 0) -> Any:
        """Random inputs: an array, or a list of them."""
        rng = np.random.default_rng(seed)
        arrays = [rng.normal(size=shape).astype(dtype) for shape in self.shapes]
        return arrays if len(arrays) > 1 else arrays[0]


def _rows(shapes: Any, *rows: tuple[str, dict[str, Any]] | tuple[str]) -> list[Specimen]:
    """Specimens that share the shape of their input (or a list of shapes)."""
    several = tuple(shapes) if isinstance(shapes, list) else (shapes,)
    return [Specimen(row[0], row[1] if len(row) > 1 else {}, several) for row in rows]


LINE, IMAGE, SOLID = (2, 7, 4), (2, 6, 5, 4), (2, 4, 5, 3, 4)
IMAGE_FIRST, LINE_FIRST, SOLID_FIRST = (2, 4, 6, 5), (2, 4, 7), (2, 4, 4, 5, 3)

CONV = [
    *_rows(
        LINE,
        ("Conv1D", {"filters": 3, "kernel_size": 3}),
        ("Conv1D", {"filters": 3, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}),
        ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "strides": 2}),
        ("Conv1D", {"filters": 6, "kernel_size": 2, "padding": "Same", "groups": 2}),
        ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}),
        ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}),
        ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}),
        ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "strides": 2}),
    ),
    *_rows(
        LINE_FIRST,
        ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", **FIRST}),
        ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "depth_multiplier": 2, **FIRST}),
    ),
    *_rows(
        IMAGE,
        ("Conv2D", {"filters": 3, "kernel_size": (2, 3), "activation": "relu"}),
        ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": (2, 1), "padding": "same"}),
        ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 4, "use_bias": False}),
        ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": (1, 2)}),
        ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}),
        ("Conv2DTranspose", {"filters": 3, "kernel_size": (3, 2), "strides": 2}),
        (
            "Conv2DTranspose",
            {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1, "padding": "same"},
        ),
        ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 3, "output_padding": 2}),
        ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}),
        ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "activation": "tanh"}),
        ("DepthwiseConv2D", {"kernel_size": (2, 3), "strides": 2, "padding": "same"}),
        ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "use_bias": False}),
        ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2}),
        ("SeparableConv2D", {"filters": 5, "kernel_size": 2, "padding": "same"}),
    ),
    *_rows(
        IMAGE_FIRST,
        ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", **FIRST}),
        ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": 2, **FIRST}),
        ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, **FIRST}),
        ("SeparableConv2D", {"filters": 3, "kernel_size": 3, **FIRST}),
    ),
    *_rows(
        SOLID,
        ("Conv3D", {"filters": 3, "kernel_size": 2, "strides": (1, 2, 1)}),
        ("Conv3D", {"filters": 2, "kernel_size": (1, 2, 3), "padding": "same"}),
        ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"}),
    ),
    *_rows(SOLID_FIRST, ("Conv3D", {"filters": 2, "kernel_size": 2, **FIRST})),
]

POOLING = [
    *_rows(
        LINE,
        ("MaxPooling1D",),
        ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("AveragePooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}),
        ("GlobalMaxPooling1D",),
        ("GlobalAveragePooling1D", {"keepdims": True}),
        ("AdaptiveAveragePooling1D", {"output_size": 3}),
        ("AdaptiveMaxPooling1D", {"output_size": 4}),
    ),
    *_rows(
        LINE_FIRST,
        ("MaxPooling1D", {"pool_size": 2, **FIRST}),
        ("GlobalAveragePooling1D", FIRST),
    ),
    *_rows(
        IMAGE,
        ("MaxPooling2D", {"pool_size": (2, 3), "strides": (1, 2)}),
        ("MaxPooling2D", {"pool_size": 2, "padding": "same"}),
        ("AveragePooling2D", {"pool_size": 2}),
        ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("GlobalMaxPooling2D",),
        ("GlobalAveragePooling2D", {"keepdims": True}),
        ("AdaptiveAveragePooling2D", {"output_size": (3, 5)}),
        ("AdaptiveAveragePooling2D", {"output_size": 4}),
        ("AdaptiveMaxPooling2D", {"output_size": (4, 2)}),
    ),
    *_rows(
        IMAGE_FIRST,
        ("AveragePooling2D", {"pool_size": 2, **FIRST}),
        ("GlobalMaxPooling2D", {"keepdims": True, **FIRST}),
        ("AdaptiveMaxPooling2D", {"output_size": 2, **FIRST}),
    ),
    *_rows(
        SOLID,
        ("MaxPooling3D",),
        ("AveragePooling3D", {"pool_size": (2, 1, 2), "padding": "same"}),
        ("GlobalMaxPooling3D",),
        ("GlobalAveragePooling3D",),
        ("AdaptiveAveragePooling3D", {"output_size": (2, 2, 3)}),
        ("AdaptiveMaxPooling3D", {"output_size": 2}),
    ),
]

NORMALIZATION = [
    *_rows(
        IMAGE,
        ("BatchNormalization",),
        ("BatchNormalization", {"axis": 1, "scale": False, "epsilon": 0.1}),
        ("BatchNormalization", {"center": False, "momentum": 0.8}),
        ("LayerNormalization",),
        ("LayerNormalization", {"axis": [1, 3], "epsilon": 1e-5}),
        ("LayerNormalization", {"axis": [1, 2, 3], "center": False}),
        ("LayerNormalization", {"scale": False}),
        ("GroupNormalization", {"groups": 2}),
        ("GroupNormalization", {"groups": -1, "center": False}),
        ("GroupNormalization", {"groups": 3, "axis": 1, "scale": False}),
        ("RMSNormalization",),
        ("RMSNormalization", {"axis": [2, 3], "epsilon": 0.01}),
        ("UnitNormalization",),
        ("UnitNormalization", {"axis": [1, 2]}),
    ),
    *_rows(
        IMAGE,
        (
            "SpectralNormalization",
            {"layer": lambda layers: layers.Conv2D(3, 2), "power_iterations": 3},
        ),
        ("SpectralNormalization", {"layer": lambda layers: layers.Dense(3)}),
    ),
    *_rows((3, 4), ("BatchNormalization",), ("GroupNormalization", {"groups": 1})),
    *_rows(LINE, ("BatchNormalization",), ("LayerNormalization", {"axis": 1})),
]

REGULARIZATION = [
    *_rows(
        IMAGE,
        ("Dropout", {"rate": 0.4, "seed": 1}),
        ("Dropout", {"rate": 0.4, "noise_shape": (None, 1, 1, 4), "seed": 2}),
        ("SpatialDropout2D", {"rate": 0.3, "seed": 3}),
        ("AlphaDropout", {"rate": 0.3, "seed": 4}),
        ("GaussianDropout", {"rate": 0.3, "seed": 5}),
        ("GaussianNoise", {"stddev": 0.3, "seed": 6}),
    ),
    *_rows(LINE, ("SpatialDropout1D", {"rate": 0.3, "seed": 7})),
    *_rows(SOLID, ("SpatialDropout3D", {"rate": 0.3, "seed": 8, **FIRST})),
]

RESHAPING = [
    *_rows(
        IMAGE,
        ("Flatten",),
        ("Flatten", FIRST),
        ("Reshape", {"target_shape": (-1, 8)}),
        ("Reshape", {"target_shape": (120,)}),
        ("Permute", {"dims": (3, 1, 2)}),
        ("Cropping2D", {"cropping": ((1, 2), (0, 3))}),
        ("Cropping2D", {"cropping": (2, 1), **FIRST}),
        ("ZeroPadding2D", {"padding": 2}),
        ("ZeroPadding2D", {"padding": ((1, 0), (2, 3)), **FIRST}),
        ("UpSampling2D", {"size": (2, 3)}),
        ("UpSampling2D", {"size": 2, **FIRST}),
        ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}),
        ("UpSampling2D", {"size": 2, "interpolation": "Bicubic", **FIRST}),
        ("UpSampling2D", {"size": 2, "interpolation": "lanczos3"}),
    ),
    *_rows(
        LINE,
        ("Cropping1D", {"cropping": (2, 0)}),
        ("Cropping1D", {"cropping": 1}),
        ("ZeroPadding1D", {"padding": (0, 2)}),
        ("ZeroPadding1D", {"padding": 1, **FIRST}),
        ("UpSampling1D", {"size": 3}),
    ),
    *_rows(
        SOLID,
        ("Cropping3D",),
        ("Cropping3D", {"cropping": ((0, 1), (2, 0), (1, 1))}),
        ("ZeroPadding3D", {"padding": (1, 0, 2)}),
        ("UpSampling3D", {"size": (1, 2, 3)}),
        ("UpSampling3D", {"size": 2, **FIRST}),
    ),
    *_rows((3, 4), ("RepeatVector", {"n": 5}), ("Flatten",)),
]

MERGING = [
    *_rows(
        [LINE, LINE, LINE],
        ("Add",), ("Multiply",), ("Average",), ("Maximum",), ("Minimum",), ("Concatenate",),
        ("Concatenate", {"axis": 1}),
    ),
    *_rows([LINE, LINE], ("Subtract",), ("Dot", {"axes": 2}), ("Dot", {"axes": -1})),
    *_rows([LINE, (2, 1, 4)], ("Add",), ("Subtract",), ("Maximum",), ("Average",)),
    *_rows([LINE, (2, 4)], ("Add",), ("Multiply",), ("Dot", {"axes": (2, 1)})),
    *_rows(
        [(3, 4), (3, 4)],
        ("Add",), ("Dot", {"axes": 1}), ("Dot", {"axes": 1, "normalize": True}),
    ),
    *_rows([(2, 3, 4, 5), (2, 5, 3)], ("Dot", {"axes": (3, 1)}), ("Dot", {"axes": (1, 2)})),
    *_rows([(2, 3), (2, 2)], ("Concatenate",)),
]  # fmt: skip

ACTIVATION = [
    *_rows(
        IMAGE,
        ("ReLU",),
        ("ReLU", {"max_value": 0.8, "negative_slope": 0.1, "threshold": 0.2}),
        ("LeakyReLU",),
        ("LeakyReLU", {"negative_slope": 0.05}),
        ("PReLU", {"alpha_initializer": "ones"}),
        ("PReLU", {"shared_axes": [1, 2]}),
        ("ELU", {"alpha": 0.5}),
        ("Softmax",),
        ("Softmax", {"axis": 1}),
        ("Softmax", {"axis": [1, 2]}),
        ("Activation", {"activation": "gelu"}),
    ),
]

EINSUM = [
    *_rows(
        (2, 3, 4),
        ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 5)}),
        ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (3, 5), "bias_axes": "d"}),
        (
            "EinsumDense",
            {"equation": "abc,cde->abde", "output_shape": (None, 2, 5), "bias_axes": "de"},
        ),
        ("EinsumDense", {"equation": "abc,bd->adc", "output_shape": (5, 4), "bias_axes": "d"}),
        (
            "EinsumDense",
            {
                "equation": "...x,xy->...y",
                "output_shape": 5,
                "activation": "relu",
                "bias_axes": "y",
            },
        ),
        ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 5, "bias_axes": "c"}),
    ),
    *_rows(
        (2, 3, 2, 5),
        ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (None, 4)}),
    ),
]

PICTURE, PICTURE_FIRST = (2, 8, 9, 3), (2, 3, 8, 9)
PIXELS = {"value_range": (-3, 3)}

PREPROCESSING = [
    *_rows(
        LINE,
        ("Rescaling", {"scale": 0.5, "offset": 1.0}),
        ("Rescaling", {"scale": [1.0, 2.0, 3.0, 4.0]}),
        ("Normalization", {"mean": [1.0, 2.0, 3.0, 4.0], "variance": [1.0, 4.0, 9.0, 2.0]}),
        ("Normalization", {"axis": None, "mean": 1.0, "variance": 4.0, "invert": True}),
        ("Discretization", {"bin_boundaries": [-1.0, 0.0, 0.5]}),
        ("Discretization", {"bin_boundaries": [-1.0, 0.5], "output_mode": "one_hot"}),
    ),
    *_rows((3, 4), ("CategoryEncoding", {"num_tokens": 5}),
           ("Discretization", {"bin_boundaries": [-1.0, 0.5], "output_mode": "count"})),
    *_rows(
        PICTURE,
        ("Resizing", {"height": 5, "width": 4}),
        ("Resizing", {"height": 5, "width": 12, "interpolation": "nearest"}),
        ("CenterCrop", {"height": 5, "width": 4}),
        ("AutoContrast", PIXELS),
        ("Pipeline", {"layers": lambda layers: [layers.Rescaling(2.0), layers.CenterCrop(4, 4)]}),
    ),
    *_rows(PICTURE_FIRST, ("CenterCrop", {"height": 5, "width": 4, **FIRST})),
]  # fmt: skip

AUGMENTATION = [
    *_rows(
        PICTURE,
        ("RandomFlip", {"seed": 1}),
        ("RandomFlip", {"mode": "horizontal", "seed": 2}),
        ("RandomRotation", {"factor": 0.2, "seed": 3}),
        ("RandomRotation", {"factor": 0.2, "seed": 3, "fill_mode": "constant"}),
        ("RandomZoom", {"height_factor": 0.3, "seed": 4}),
        ("RandomZoom", {"height_factor": 0.3, "width_factor": (0.1, 0.2), "seed": 4}),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.3, "seed": 5}),
        ("RandomShear", {"x_factor": 0.3, "y_factor": 0.2, "seed": 6}),
        ("RandomCrop", {"height": 5, "width": 4, "seed": 7}),
        ("RandomPerspective", {"scale": 0.5, "seed": 8}),
        ("RandomElasticTransform", {"seed": 9, **PIXELS}),
        ("RandomContrast", {"factor": (0.3, 0.4), "seed": 10, **PIXELS}),
        ("RandomBrightness", {"factor": 0.3, "seed": 11, **PIXELS}),
        ("RandomHue", {"factor": 0.3, "seed": 12, **PIXELS}),
        ("RandomSaturation", {"factor": 0.8, "seed": 13, **PIXELS}),
        ("RandomGrayscale", {"seed": 14}),
        ("RandomInvert", {"seed": 15, **PIXELS}),
        ("RandomPosterization", {"factor": (2, 6), "seed": 16, **PIXELS}),
        ("RandomSharpness", {"factor": 0.9, "seed": 17, **PIXELS}),
        ("RandomColorDegeneration", {"factor": 0.9, "seed": 18, **PIXELS}),
        ("RandomColorJitter", {"brightness_factor": 0.2, "hue_factor": 0.1, "seed": 19, **PIXELS}),
        ("RandomErasing", {"seed": 20, **PIXELS}),
        ("RandomGaussianBlur", {"seed": 21, **PIXELS}),
        ("Solarization", {"addition_factor": 0.3, "threshold_factor": 0.5, "seed": 22, **PIXELS}),
        ("Equalization", PIXELS),
        ("CutMix", {"seed": 23}),
        ("MixUp", {"seed": 24}),
    ),
    *_rows(PICTURE_FIRST, ("RandomRotation", {"factor": 0.2, "seed": 3, **FIRST})),
]

ZOO: dict[str, Sequence[Specimen]] = {
    "conv": CONV,
    "pooling": POOLING,
    "normalization": NORMALIZATION,
    "regularization": REGULARIZATION,
    "reshaping": RESHAPING,
    "merging": MERGING,
    "activation": ACTIVATION,
    "einsum": EINSUM,
    "preprocessing": PREPROCESSING,
    "augmentation": AUGMENTATION,
}
ALL = [specimen for family in ZOO.values() for specimen in family]
