"""LSTM and GRU on the tape: one node for all steps, and the gradients of kernels as one product.

Each function takes the gates' sums of all steps, time first, and returns the states of all steps
and their pullback, as `custom_gradient` wants it.
"""

from __future__ import annotations

from typing import Any

from polyk.select import backend_of


def lstm_steps(z: Any, h: Any, c: Any, recurrent: Any) -> Any:
    """(steps, N, 4 units) and states (N, units) to each h and the last c, (steps + 1, N, units)."""
    b = backend_of(z, h, c, recurrent)
    units, kept, states = b.shape(h)[-1], [], []
    points = [units, 2 * units, 3 * units]
    for sums in b.unstack(z, 0):
        sums = b.add(sums, b.matmul(h, recurrent))
        i, f, g, o = b.split(sums, points, 1)
        i, f, g, o = b.sigmoid(i), b.sigmoid(f), b.tanh(g), b.sigmoid(o)
        before, c = (h, c), b.add(b.multiply(f, c), b.multiply(i, g))
        bent = b.tanh(c)
        h = b.multiply(o, bent)
        kept.append((*before, i, f, g, o, bent))
        states.append(h)

    def pull(upstream: Any) -> tuple[Any, Any, Any, Any]:
        b = backend_of(upstream, z, h, c, recurrent)
        back, d_sums = b.transpose(recurrent, (1, 0)), []
        *outer, dc = b.unstack(upstream, 0)
        dh = None
        for g_t, (_, c_, i, f, g, o, bent) in zip(reversed(outer), reversed(kept), strict=True):
            dh = g_t if dh is None else b.add(g_t, dh)
            dc = b.add(dc, b.multiply(b.multiply(dh, o), _bend(b, bent)))
            parts = [
                b.multiply(b.multiply(dc, g), _slope(b, i)),
                b.multiply(b.multiply(dc, c_), _slope(b, f)),
                b.multiply(b.multiply(dc, i), _bend(b, g)),
                b.multiply(b.multiply(dh, bent), _slope(b, o)),
            ]
            d_sums.append(b.concatenate(parts, 1))
            dh, dc = b.matmul(d_sums[-1], back), b.multiply(dc, f)
        dz = b.stack(d_sums[::-1], 0)
        return dz, dh, dc, _of_kernel(b, [k[0] for k in kept], dz)

    return b.stack([*states, c], 0), pull


def gru_steps(x: Any, h: Any, recurrent: Any, bias: Any) -> Any:
    """(steps, N, 3 units), (N, units), and the state's kernel and bias, to (steps, N, units)."""
    b = backend_of(x, h, recurrent, bias)
    units, kept, states = b.shape(h)[-1], [], []
    for sums in b.unstack(x, 0):
        x_zr, x_h = b.split(sums, [2 * units], 1)
        s_zr, s_h = b.split(b.linear(h, recurrent, bias), [2 * units], 1)
        zr = b.sigmoid(b.add(x_zr, s_zr))
        z, r = b.split(zr, [units], 1)
        new = b.tanh(b.add(x_h, b.multiply(r, s_h)))
        kept.append((h, zr, z, r, s_h, new))
        h = b.add(new, b.multiply(z, b.subtract(h, new)))
        states.append(h)

    def pull(upstream: Any) -> tuple[Any, Any, Any, Any]:
        b = backend_of(upstream, x, h, recurrent, bias)
        back, d_inputs, d_states, dh = b.transpose(recurrent, (1, 0)), [], [], None
        for g_t, (before, zr, z, r, s_h, new) in zip(
            reversed(b.unstack(upstream, 0)), reversed(kept), strict=True
        ):
            dh = g_t if dh is None else b.add(g_t, dh)
            kept_dh = b.multiply(dh, z)
            d_new = b.multiply(b.subtract(dh, kept_dh), _bend(b, new))
            gates = [b.multiply(dh, b.subtract(before, new)), b.multiply(d_new, s_h)]
            d_zr = b.multiply(b.concatenate(gates, 1), _slope(b, zr))
            d_inputs.append(b.concatenate([d_zr, d_new], 1))
            d_states.append(b.concatenate([d_zr, b.multiply(d_new, r)], 1))
            dh = b.add(kept_dh, b.matmul(d_states[-1], back))
        ds = b.stack(d_states[::-1], 0)
        of_kernel = _of_kernel(b, [k[0] for k in kept], ds)
        return b.stack(d_inputs[::-1], 0), dh, of_kernel, b.sum(ds, (0, 1))

    return b.stack(states, 0), pull


def _slope(b: Any, y: Any) -> Any:
    """The derivative of the sigmoid where it is `y`."""
    return b.multiply(y, b.subtract(1.0, y))


def _bend(b: Any, y: Any) -> Any:
    """The derivative of tanh where it is `y`."""
    return b.subtract(1.0, b.multiply(y, y))


def _of_kernel(b: Any, states: list[Any], d_sums: Any) -> Any:
    """The gradient of a kernel that took each of `states` to the sums of its step."""
    before = b.stack(states, 0)
    steps, n, units = b.shape(before)
    wide = b.shape(d_sums)[-1]
    before = b.transpose(b.reshape(before, (steps * n, units)), (1, 0))
    return b.matmul(before, b.reshape(d_sums, (steps * n, wide)))
