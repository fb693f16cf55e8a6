"""ops.image against Keras, and the coordinates that ONNX names.

Left out, for Keras's engines disagree: gaussian_blur (on JAX it blurs along one axis, on TensorFlow
an oblong kernel is scrambled), sobel_edges (the edge is mirrored on TensorFlow, as here, and not on
NumPy), lanczos (missing on torch), bicubic without antialias (a table of 1024 steps on TensorFlow,
another coefficient on torch), affine_transform at exact halves.
"""

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import ops

IMAGES = np.random.default_rng(0).uniform(0, 1, (2, 7, 9, 3))
CALLS = {
    **{
        f"resize {method} {size} {antialias}": (
            "resize", (IMAGES, size), {"interpolation": method, "antialias": antialias},
        )
        for method in ("nearest", "bilinear", "bicubic")
        for size in ((4, 5), (13, 20))
        for antialias in (False, True)
        if method != "bicubic" or antialias
    },
    "resize, cut": ("resize", (IMAGES, (4, 8)), {"crop_to_aspect_ratio": True}),
    "resize, padded": (
        "resize", (IMAGES, (4, 8)), {"pad_to_aspect_ratio": True, "fill_value": 0.5},
    ),
    "resize one image": ("resize", (IMAGES[0], (3, 4)), {}),
    "patches": ("extract_patches", (IMAGES, (2, 3)), {}),
    "overlapping patches": ("extract_patches", (IMAGES, 3), {"strides": 2, "padding": "same"}),
    "crop": (
        "crop_images", (IMAGES,),
        {"top_cropping": 1, "left_cropping": 2, "target_height": 3, "right_cropping": 1},
    ),
    "pad": (
        "pad_images", (IMAGES,),
        {"top_padding": 1, "left_padding": 2, "target_height": 12, "right_padding": 1},
    ),
    "gray": ("rgb_to_grayscale", (IMAGES,), {}),
    "hsv": ("rgb_to_hsv", (IMAGES,), {}),
    "rgb": ("hsv_to_rgb", (IMAGES,), {}),
    "ssim": ("ssim", (IMAGES, IMAGES**1.1), {"filter_size": 5}),
    "scaled": (
        "scale_and_translate",
        (IMAGES, (2, 5, 12, 3), np.array([0.8, 1.3]), np.array([0.5, -1.0]), (1, 2), "cubic"), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_images_come_out_as_in_keras(name):
    op, args, kwargs = CALLS[name]
    with keras() as k:
        expected = k.ops.convert_to_numpy(getattr(k.ops.image, op)(*args, **kwargs))
    with polyk.use("numpy"):
        found = getattr(ops.image, op)(*args, **kwargs)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)  # jax computes in float32


def row(**options):
    with polyk.use("numpy"):
        x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 4, 1)
        return ops.image.resize(x, (1, options.pop("to")), **options).ravel().tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"to": 7, "coordinates": "align_corners"}, [1, 1.5, 2, 2.5, 3, 3.5, 4]),
        ({"to": 8, "coordinates": "asymmetric"}, [1, 1.5, 2, 2.5, 3, 3.5, 4, 4]),
        ({"to": 1, "coordinates": "pytorch_half_pixel"}, [1]),
        ({"to": 2, "interpolation": "area"}, [1.5, 3.5]),
        ({"to": 8, "interpolation": "nearest", "coordinates": "asymmetric", "rounding": "floor"},
         [1, 1, 2, 2, 3, 3, 4, 4]),
    ],
)  # fmt: skip
def test_resize_knows_the_coordinates_of_onnx(options, expected):
    np.testing.assert_allclose(row(**options), expected)


def test_edges_can_be_clamped():
    """ONNX's cubic, coefficient -0.75: the example of its specification, upsampled by 2."""
    x = np.arange(1.0, 17.0).reshape(1, 4, 4, 1)
    with polyk.use("numpy"):
        y = ops.image.resize(x, (8, 8), "bicubic", cubic_coefficient=-0.75, clamp_edges=True)
    np.testing.assert_allclose(y[0, 0, :3, 0], [0.47265625, 0.76953125, 1.24609375])


def test_an_unknown_interpolation_is_refused():
    with polyk.use("numpy"), pytest.raises(ValueError, match="interpolation must be nearest, bi"):
        ops.image.resize(IMAGES, (2, 2), "quadratic")


def test_ints_are_rounded_and_held_within_range():
    x = np.array([0, 0, 255, 255], "uint8").reshape(1, 1, 4, 1)
    with polyk.use("numpy"):  # bicubic overshoots at the step; a wrapped value would fall
        y = ops.image.resize(x, (1, 9), "bicubic").ravel()
    assert y.dtype == np.uint8
    assert (np.diff(y.astype(int)) >= 0).all()
    assert (y[0], y[4], y[-1]) == (0, 128, 255)
