"""polyk beside other libraries: models as their modules, and weights in their layouts, both ways.

`pure` is a model as a function of its weights, which backends make modules of; `torch_layout` and
`flax_layout` say how PyTorch and Flax name weights and lay them out, `units` finds which of theirs
are which of ours.
"""

from polyk.interop.flax_layout import load_variables, variables
from polyk.interop.pure import Pure, as_native
from polyk.interop.torch_layout import load_state_dict, state_dict
from polyk.interop.units import Transfer

__all__ = [
    "Pure",
    "Transfer",
    "as_native",
    "load_state_dict",
    "load_variables",
    "state_dict",
    "variables",
]
