"""A recurrent cell with a memory: learn to copy short sequences, then copy longer ones.

The cell writes into the slot under its head, moves the head, and reads: the location-based half of
a neural Turing machine (A. Graves et al., 2014). Its states are a matrix and a distribution.
"""

import time

import numpy as np

import polyk
from polyk import layers, ops

BITS, SLOTS = 4, 16


class Memory(layers.Layer):
    """One step: (N, C) to logits (N, bits), with a tape of `slots` vectors and one head."""

    def __init__(self, slots, bits, **kwargs):
        super().__init__(**kwargs)
        self.slots, self.bits = slots, bits
        self.state_size = slots

    def get_initial_state(self, batch_size):
        start = ops.one_hot(ops.zeros((batch_size,), "int32"), self.slots)
        return [ops.zeros((batch_size, self.slots, self.bits)), start]

    def build(self, input_shape):
        self.control = self.add_weight("control", (input_shape[-1], 2 * self.bits + 4))
        self.bias = self.add_weight("bias", (2 * self.bits + 4,), "zeros")
        self.readout = self.add_weight("readout", (self.bits, self.bits))

    def call(self, inputs, states):
        memory, head = states
        n = self.bits
        controls = ops.linear(inputs, self.control, self.bias)
        add, erase, back, move = ops.split(controls, (n, 2 * n, 2 * n + 1), axis=1)

        start = ops.one_hot(ops.zeros_like(head[:, 0], "int32"), self.slots)
        head = head + ops.sigmoid(back) * (start - head)
        left, stay, right = ops.split(ops.softmax(move), 3, axis=1)
        head = left * ops.roll(head, -1, 1) + stay * head + right * ops.roll(head, 1, 1)

        at = ops.expand_dims(head, 2)
        memory = memory * (1 - at * ops.expand_dims(ops.sigmoid(erase), 1))
        memory = memory + at * ops.expand_dims(add, 1)
        read = ops.sum(memory * at, axis=1)
        return ops.matmul(read, self.readout), [memory, head]


def task(rng, count, length):
    """Bits to write, marked as such, then silence; in both halves the bits are to be told."""
    bits = rng.integers(0, 2, (count, length, BITS)).astype("float32")
    x = np.zeros((count, 2 * length, BITS + 2), "float32")
    x[:, :length, :BITS], x[:, :length, BITS] = 2 * bits - 1, 1
    x[:, length, BITS + 1] = 1  # "now, from the beginning"
    return x, np.concatenate([bits, bits], 1)


def main():
    rng = np.random.default_rng(0)
    model = polyk.Sequential(
        [
            layers.Input((None, BITS + 2)),
            layers.RNN(Memory(SLOTS, BITS), return_sequences=True),
        ],
        seed=1,
    )
    model.compile(
        polyk.optimizers.Adam(0.03),
        polyk.losses.BinaryCrossentropy(from_logits=True),
        metrics=[polyk.metrics.BinaryAccuracy(threshold=0.0)],
    )
    start = time.perf_counter()
    for _ in range(8):
        history = model.fit(*task(rng, 1024, 4), batch_size=32, verbose=0).history
        print(f"length 4: loss {history['loss'][-1]:.4f}")
    seconds = time.perf_counter() - start
    for length in (4, 8, 12):
        _, accuracy = model.evaluate(*task(rng, 128, length), verbose=0)
        print(f"length {length:2}: {accuracy:.1%} of the bits are right")
    print(f"trained on {polyk.get_backend().name} in {seconds:.1f} s")


if __name__ == "__main__":
    main()
