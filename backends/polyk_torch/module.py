"""A model of polyk as an `nn.Module`: parameters, buffers and modes as torch's users know them."""

import torch
from torch import nn
from torch.nn import Parameter

from polyk_torch.primitives import NAMES


class Module(nn.Module):
    """The weights share their memory with the model's, whose updates are seen here, and vice versa.

    State goes by dotted names (``dense.kernel``). A frozen weight is a parameter that asks for no
    gradient, running statistics and the like are buffers. Moving the model to another backend ends
    the sharing.
    """

    def __init__(self, model):
        super().__init__()
        self._model = model
        self._places = []  # (weight, the table of a submodule, the name in it)
        for path, w in {**model.trainable, **model.fixed}.items():
            self._add(w, path.split("/"), persistent=True, trained=path in model.trainable)
        for i, w in enumerate(model.others):
            self._add(w, ["state", str(i)], persistent=False, trained=False)
        self._link()

    def _add(self, weight, path, persistent, trained):
        owner = self
        for name in path[:-1]:
            name = name.replace(".", "_")
            name = f"{name}_" if hasattr(nn.Module, name) else name
            if name not in owner._modules:
                owner.add_module(name, nn.Module())
            owner = owner._modules[name]
        name = path[-1].replace(".", "_")
        if weight.trainable:
            owner.register_parameter(name, Parameter(weight.cell, requires_grad=trained))
        else:
            owner.register_buffer(name, weight.cell, persistent=persistent)
        self._places.append(
            (weight, owner._parameters if weight.trainable else owner._buffers, name)
        )

    def _link(self):
        """Let the cells of the weights be the memory of parameters and buffers."""
        for weight, table, name in self._places:
            weight.cell = Parameter(table[name].detach(), requires_grad=False)

    def _apply(self, fn, recurse=True):
        for weight, table, name in self._places:
            if fn(torch.empty(0, dtype=table[name].dtype)).dtype != table[name].dtype:
                raise TypeError(
                    f"the dtype of {weight.path!r} is {weight.dtype}, and stays so: make the model "
                    "with another dtype= or dtype policy."
                )
        super()._apply(fn, recurse)
        self._link()
        for weight, _, _ in self._places[:1]:
            self._model.model.device = str(weight.cell.device)
        return self

    def forward(self, inputs, *args, **kwargs):
        kwargs.setdefault("training", self.training)
        values = {w: table[name] for w, table, name in self._places}
        if kwargs["training"]:  # the backward pass may need what the call overwrites
            values = {w: x.view_as(x) if w.trainable else x.clone() for w, x in values.items()}
        outputs, written = self._model.run(values, (inputs, *args), kwargs)
        if written:
            self._keep(written)
        return outputs

    @torch.no_grad()
    def _keep(self, written):
        for weight, table, name in self._places:
            if weight not in written:
                continue
            if weight.trainable:
                table[name].data = written[weight].detach().clone()
                self._link()
            else:
                table[name].copy_(written[weight])


def export(model, inputs, path):
    """Trace the model by `torch.export`; sizes that are open are so in the program."""
    dtypes = {name: dtype for dtype, name in NAMES.items()}
    batch, xs, dims = torch.export.Dim("batch"), [], []
    for spec in inputs:
        open_axes = [a for a, d in enumerate(spec.shape) if d is None]
        xs.append(torch.zeros([d or 7 for d in spec.shape], dtype=dtypes[spec.dtype]))
        dims.append({a: torch.export.Dim.DYNAMIC if a else batch for a in open_axes})
    shapes = {"inputs": dims[0], **({"args": tuple(dims[1:])} if dims[1:] else {})}
    program = torch.export.export(Module(model).eval(), tuple(xs), dynamic_shapes=shapes)
    torch.export.save(program, path)
