"""Every op beside its counterpart in Keras: values and gradients in float64, on the kit's cases."""

from operator import attrgetter

import numpy as np
import pytest
from polyk_conformance.cases import CASES, narrow, recast
from polyk_conformance.cases.case import arrays_of, as_list, map_arrays
from reference import keras

import polyk
from polyk import ops

# Why a case (or all of an op) is not compared, and where Keras 3.15 on torch says something else.
UNLIKE = {
    "the case holds functions written with polyk's ops": (
        "cond while_loop scan fori_loop map associative_scan vectorized_map vectorize jvp switch "
        "custom_gradient stop_gradient fft rfft irfft fft2 ifft2 stft istft"
    ),
    "factors are unique but for their signs": "qr eigh svd lu_factor cholesky",
    "Keras on torch raises": "geomspace count_nonzero concatenate stack cross dot get_item",
    "Keras computes in float32": "segment_sum segment_prod",
    "a name, of the kind of the engine's own object": "dtype",
    "any values will do": "empty_like-ints argpartition-rows",
    "one array for each axis, as in NumPy; on torch Keras stacks them": "nonzero",
    "NaN has the sign NaN": "sign-specials heaviside-points",
    "equal elements in the order of their places": "top_k-ties",
    "weights of the shape of x belong to all axes, as in NumPy": "average-full",
    "TensorFlow's order of channels; torch has another": "depth_to_space space_to_depth",
    "the new axis is where it was asked for": "one_hot-middle",
    "padding never counts": "average_pool-smooth-same-odd",
    "exact by default": "gelu",
    "rows sum to 1": "sparsemax-smooth",
    "a query that may attend to nothing gets zeros": "dot_product_attention-smooth-mask",
    "Keras's engines disagree; see tests/test_ops_image.py": (
        "image.resize image.affine_transform image.gaussian_blur image.sobel_edges"
    ),
}
UNLIKE_IN_GRADIENT = {
    "Keras computes in float32": "segment_max segment_min hard_sigmoid",
    "Keras rounds the exponent": "ldexp",
    "Keras on torch raises": "vander",
    "only the triangle that is read has a gradient": "cholesky_inverse",
}


def named(table):
    return {name for names in table.values() for name in names.split()}


def alike(cases, table):
    return [case for case in cases if not {case.op, str(case)} & named(table)]


def chosen():
    """For each op two cases that have gradients, or else two that have arrays."""
    found = {}
    for case in CASES:
        if arrays_of(case.args):
            found.setdefault(case.op, []).append(case)
    for cases in found.values():
        smooth = [case for case in cases if case.smooth and narrow(case)]
        yield from (smooth or cases)[:2]


CHOSEN = list(chosen())
COMPARED = alike(CHOSEN, UNLIKE)
SMOOTH = alike([case for case in COMPARED if case.smooth and narrow(case)], UNLIKE_IN_GRADIENT)


def counterpart(case, k):
    try:
        return attrgetter(case.op)(k.ops)
    except AttributeError:
        pytest.skip("Keras has no such op")


def double(case):
    return recast(case.args, "float64") if narrow(case) else case.args


@pytest.mark.parametrize("case", COMPARED, ids=str)
def test_an_op_computes_what_keras_computes(case):
    with keras() as k:
        fn, args = counterpart(case, k), double(case)
        wanted = as_list(fn(*map_arrays(k.ops.convert_to_tensor, args), **case.kwargs))
        with polyk.use("numpy"):
            got = as_list(case.call(*args))
        for a, b in zip(got, wanted, strict=True):
            a, b = ops.convert_to_numpy(a), k.ops.convert_to_numpy(b)
            np.testing.assert_allclose(a.astype("float64"), b.astype("float64"), 1e-9, 1e-12)


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_an_op_has_the_gradient_of_keras(case):
    with keras() as k:
        if k.backend.backend() != "torch":
            pytest.skip("Keras differentiates on torch here")
        fn, args = counterpart(case, k), double(case)
        tensors = list(map_arrays(k.ops.convert_to_tensor, args))
        for i in case.smooth:
            tensors[i] = tensors[i].detach().requires_grad_()
        sum(k.ops.sum(k.ops.sin(y)) for y in as_list(fn(*tensors, **case.kwargs))).backward()
        wanted = [tensors[i].grad.numpy() for i in case.smooth]

    def total(*moved):
        given = list(args)
        for i, x in zip(case.smooth, moved, strict=True):
            given[i] = x
        return sum(ops.sum(ops.sin(y)) for y in as_list(case.call(*given)))

    with polyk.use("numpy"):
        slopes = polyk.grad(total, tuple(range(len(wanted))))(*(args[i] for i in case.smooth))
    for a, b in zip(slopes, wanted, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(a), b, 1e-8, 1e-12)


def test_every_exception_names_a_case():
    known = {case.op for case in CHOSEN} | set(map(str, CHOSEN))
    assert named(UNLIKE) | named(UNLIKE_IN_GRADIENT) <= known
