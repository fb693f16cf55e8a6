"""polyk beside other libraries: models as their modules, and weights in their layouts, both ways.

`pure` is a model as a function of its weights, which backends make modules of; `state_dict` and
`pytrees` say how PyTorch and Flax lay weights out, `groups` finds which of theirs are which of
ours.
"""

from polyk.interop.pure import Pure, as_native

__all__ = ["Pure", "as_native"]
