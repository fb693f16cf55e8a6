"""Connectionist temporal classification: A. Graves et al., 2006."""

from typing import Any

from polyk.errors import ShapeError, UnsupportedOp
from polyk.ops.control import scan
from polyk.ops.dispatch import Tensor, floating, indices, tensors

__all__ = ["ctc_decode", "ctc_loss"]

_NEVER = -1e30  # a log-probability of 0 that still has differences


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """``-log p(target | output)`` of each sequence: (N,).

    `target` (N, L) holds labels, of which the first `target_length` (N,) count; `output` (N, T,
    classes) holds logits, of which the first `output_length` (N,) steps count; `mask_index` is the
    class that stands for no label. A target that does not fit into its steps costs 1e30.
    """
    b, (target, logits, *lengths) = tensors(target, output, target_length, output_length)
    target = indices(b, target, "ctc_loss: target")
    lengths, steps = (indices(b, v, "ctc_loss: lengths") for v in lengths)
    logits = floating(logits)[1]
    if len(b.shape(target)) != 2 or len(b.shape(logits)) != 3:
        raise ShapeError(
            f"ctc_loss needs a target (N, L) and an output (N, T, classes); got {b.shape(target)} "
            f"and {b.shape(logits)}."
        )
    n, length = b.shape(target)
    blanks = b.full((n, length, 1), mask_index, "int32")
    path = b.reshape(b.concatenate([blanks, b.expand_dims(target, 2)], 2), (n, 2 * length))
    path = b.concatenate([path, b.full((n, 1), mask_index, "int32")], 1)  # blanks between all
    states = 2 * length + 1
    time = b.shape(logits)[1]
    places = b.broadcast_to(b.expand_dims(path, 1), (n, time, states))
    scores = b.take_along_axis(b.log_softmax(logits, (2,)), places, 2)
    skip = b.logical_and(
        b.not_equal(path, mask_index), b.not_equal(path, _shifted(b, path, 2, mask_index))
    )  # a label may follow another one directly
    alpha = _forward(b, scores, skip, steps, states)
    place = b.reshape(b.arange(0, states, 1, "int32"), (1, states))
    end = b.multiply(b.expand_dims(lengths, 1), 2)
    final = b.logical_or(b.equal(place, end), b.equal(place, b.subtract(end, 1)))
    return b.negative(b.logsumexp(b.where(final, alpha, _NEVER), (1,)))


def _shifted(b: Any, x: Tensor, by: int, value: float) -> Tensor:
    """The rows of `x` moved to the right."""
    n = b.shape(x)[1]
    wide = b.pad(x, ((0, 0), (by, 0)), value)
    return b.getitem(wide, b._span(wide, 1, 0, n))


def _forward(b: Any, scores: Tensor, skip: Tensor, steps: Tensor, states: int) -> Tensor:
    """The log-probability of having come to each place of the path after its last step."""
    n, time, _ = b.shape(scores)
    place = b.reshape(b.arange(0, states, 1, "int32"), (1, states))
    start = b.broadcast_to(b.equal(place, 0), (n, states))
    before = b.where(start, b.full((), 0.0, b.dtype(scores)), _NEVER)

    def advance(alpha: Tensor, item: Any) -> tuple[Tensor, None]:
        t, score = item
        jump = b.where(skip, _shifted(b, alpha, 2, _NEVER), _NEVER)
        ways = b.logsumexp(b.stack([alpha, _shifted(b, alpha, 1, _NEVER), jump], 0), (0,))
        on = b.less(t, steps)
        return b.where(b.expand_dims(on, 1), b.add(ways, score), alpha), None

    times = b.arange(0, time, 1, "int32")
    return scan(advance, before, (times, b.transpose(scores, (1, 0, 2))))[0]


def ctc_decode(
    inputs: Any, sequence_lengths: Any, strategy: str = "greedy", beam_width: int = 100,
    top_paths: int = 1, merge_repeated: bool = True, mask_index: int = 0,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The labels of the best class at each step: (1, N, T) int32, filled up with -1, and the
    negative sum of its scores (N, 1).

    `inputs` (N, T, classes) holds logits, of which the first `sequence_lengths` (N,) steps count.
    Repeated labels are merged, and steps of `mask_index` left out. Beam search is not supported:
    its paths are a data structure of the host's.
    """
    if strategy != "greedy":
        raise UnsupportedOp(f"ctc_decode: strategy must be 'greedy'; got {strategy!r}.")
    b, (x, lengths) = tensors(inputs, sequence_lengths)
    x, lengths = floating(x)[1], indices(b, lengths, "ctc_decode: sequence_lengths")
    n, time, _ = b.shape(x)
    steps = b.reshape(b.arange(0, time, 1, "int32"), (1, time))
    inside = b.less(steps, b.expand_dims(lengths, 1))
    best = b.where(inside, b.argmax(x, 2), mask_index)
    score = b.sum(b.where(inside, b.max(x, (2,)), 0.0), (1,), True)
    kept = b.not_equal(best, mask_index)
    if merge_repeated:
        kept = b.logical_and(kept, b.not_equal(best, _shifted(b, best, 1, -1)))
    order = b.argsort(b.where(kept, steps, time), 1)
    labels = b.take_along_axis(b.where(kept, best, -1), order, 1)
    return b.expand_dims(labels, 0), b.negative(score)
