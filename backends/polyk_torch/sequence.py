"""LSTM, GRU and attention by torch's own kernels."""

import torch
from torch.nn import functional

from polyk.contract import Backend


class Sequence(Backend):
    def lstm(self, x, h, c, kernel, recurrent, bias):
        if not _plain(x):
            return super().lstm(x, h, c, kernel, recurrent, bias)
        weights = _transposed(kernel, recurrent)
        if bias is not None:
            weights += [bias, torch.zeros_like(bias)]
        states = (h.unsqueeze(0), c.unsqueeze(0))
        ys, h, c = torch.lstm(x, states, weights, bias is not None, 1, 0.0, False, False, True)
        return ys, h.squeeze(0), c.squeeze(0)

    def gru(self, x, h, kernel, recurrent, bias):
        if not _plain(x):
            return super().gru(x, h, kernel, recurrent, bias)
        units = h.shape[1]
        order = [kernel, recurrent] if bias is None else [kernel, recurrent, *bias]
        weights = [torch.cat([w[..., units : 2 * units], w[..., :units], w[..., 2 * units :]], -1)
                   for w in order]  # fmt: skip
        weights[:2] = _transposed(*weights[:2])
        ys, h = torch.gru(x, h.unsqueeze(0), weights, bias is not None, 1, 0.0, False, False, True)
        return ys, h.squeeze(0)

    def dot_product_attention(self, query, key, value, bias, mask, causal, scale):
        if bias is not None or (causal and mask is not None):
            return super().dot_product_attention(query, key, value, bias, mask, causal, scale)
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        y = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal, scale=scale
        )
        return y.transpose(1, 2)


def _plain(x):
    """Whether the kernels apply: not in half precision on CPUs, nor to empty batches."""
    return x.numel() > 0 and x.dtype in (torch.float32, torch.float64)


def _transposed(*kernels):
    return [k.t().contiguous() for k in kernels]
