"""Devices, gradients, compilation and training state in TensorFlow."""

import contextlib

import numpy as np
import tensorflow as tf

from polyk import dtypes
from polyk.contract import Backend
from polyk.select import current_device
from polyk_tensorflow.module import Module, export

DTYPES = {name: tf.as_dtype(name) for name in dtypes.ALL}


def place():
    """The scope of the device asked for; TensorFlow's own choice without one."""
    name = current_device()
    return tf.device(name.upper()) if name else contextlib.nullcontext()


class Engine(Backend):
    tensor_types = (tf.Tensor, tf.Variable)
    dtypes = dtypes.ALL
    eager = False

    def asarray(self, x, dtype=None):
        if not isinstance(x, self.tensor_types):
            x, dtype = _host_array(x, dtype), None
        if dtype is not None and x.dtype != dtype:
            x = tf.cast(x, DTYPES[dtype])
        if isinstance(x, tf.Tensor) and current_device() is None:
            return x
        with place():
            return tf.identity(x) if isinstance(x, tf.Tensor) else tf.convert_to_tensor(x)

    def to_numpy(self, x):
        return x.numpy()

    def shape(self, x):
        return tuple(x.shape.as_list())

    def dtype(self, x):
        return x.dtype.name

    def device(self, x):
        kind, _, index = x.device.rpartition("device:")[2].lower().partition(":")
        return "cpu" if kind == "cpu" else f"{kind}:{index}"

    def devices(self):
        found = [d.name.rpartition("device:")[2].lower() for d in tf.config.list_logical_devices()]
        return [d for d in found if not d.startswith("cpu")] + ["cpu"]

    def synchronize(self):
        tf.test.experimental.sync_devices()

    def is_concrete(self, x):
        if isinstance(x, tf.Variable):
            return tf.executing_eagerly()
        return not tf.is_symbolic_tensor(x)

    def constant(self, x):
        with tf.init_scope():
            return self.asarray(x)

    stop_gradient = staticmethod(tf.stop_gradient)
    # Tensors never change, and a variable that is written to leaves the tensors read from it.
    copy = staticmethod(tf.identity)

    def value_and_grad(self, fn):
        def run(xs):
            xs = [tf.identity(x) for x in xs]  # what `fn` reaches by other ways is constant
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(xs)
                value, aux = fn(xs)
            # A tensor that does not matter, and round, floor and sign, would give None; take
            # gives IndexedSlices.
            grads = tape.gradient(value, xs, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return (value, aux), [tf.convert_to_tensor(g) for g in grads]

        return run

    def custom_gradient(self, fn):
        @tf.custom_gradient
        def run(*xs):
            y, vjp = fn(*xs)
            return y, lambda g: list(vjp(g))

        return run

    def compile(self, fn, **options):
        """``jit="full"`` means XLA: good for recurrent nets, bad for convolutions on CPUs."""
        traces = {}

        def run(*xs):
            if not tf.executing_eagerly():
                return fn(*xs)
            key = _signature(xs)
            if key not in traces:
                traces[key] = _trace(fn, xs, options.get("jit") == "full")
            return traces[key](*xs)

        return run

    def new_cell(self, value):
        with tf.init_scope(), place():
            return tf.Variable(value, trainable=False)

    def read_cell(self, cell):
        return cell.read_value()

    def write_cell(self, cell, value):
        cell.assign(value, read_value=False)
        return cell

    def compile_step(self, fn, read, write):
        """One graph for each input signature, which reads and assigns the cells themselves."""
        traces, known = {}, []

        def build(cells, inputs):
            def step(*xs):
                state = [cell.read_value() for cell in cells]
                new, outputs = fn(list(state), list(xs))
                for cell, before, after in zip(cells, state, new, strict=True):
                    if after is not before:
                        cell.assign(after, read_value=False)
                return outputs

            return _trace(step, inputs, False)

        def run(inputs):
            cells = read()
            if len(cells) != len(known) or any(
                a is not b for a, b in zip(cells, known, strict=True)
            ):
                traces.clear()
                known[:] = cells
            key = _signature(inputs)
            if key not in traces:
                traces[key] = build(list(cells), inputs)
            return traces[key](*inputs)

        return run

    def as_native(self, model):
        return Module(model)

    def export(self, model, inputs, path):
        export(model, inputs, path)


def _host_array(x, dtype):
    """NumPy data of the dtype that `x` has as a tensor."""
    given = isinstance(x, (np.ndarray, np.generic)) or hasattr(x, "__array__")
    x = np.asarray(x)
    if dtype is None and not given:
        if x.dtype == np.float64:
            dtype = dtypes.floatx()
        elif x.dtype == np.int64 and (not x.size or -(2**31) <= x.min() <= x.max() < 2**31):
            dtype = "int32"
    return x if dtype is None else x.astype(DTYPES[dtype].as_numpy_dtype, copy=False)


def _signature(xs):
    return tuple([(x.dtype, *x.shape.as_list()) for x in xs])


def _trace(fn, xs, jit):
    """The graph of `fn` for the static shapes of `xs`; cheaper to call than a `tf.function`."""
    specs = [tf.TensorSpec(x.shape, x.dtype) for x in xs]
    with place():
        return tf.function(fn, autograph=False, jit_compile=jit).get_concrete_function(*specs)
