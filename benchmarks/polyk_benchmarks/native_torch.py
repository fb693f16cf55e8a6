"""The steps in PyTorch: modules, channels first, fused optimizers."""

import torch
from torch import nn
from torch.nn import functional as F

from polyk_benchmarks.ops import epsilon, repeated

DEVICE = "cpu"


def start(job):
    global DEVICE
    DEVICE = job.device or "cpu"
    torch.set_default_dtype(getattr(torch, job.dtype))
    if job.task.op:
        return repeated(_op(job), lambda t: t.detach().cpu().numpy())
    weights = [torch.from_numpy(w) for w in job.weights()]
    model = MODELS[job.workload.partition(":")[0]](weights).to(DEVICE)
    if job.task.kind == "infer":
        return job.over_batches(_infer(model))
    return job.over_batches(_step(model, job.task))


def _op(job):
    operands = [torch.from_numpy(a).to(DEVICE) for a in job.data]
    fn = F.conv2d if job.task.op == "conv" else getattr(torch, job.task.op)
    if job.task.op == "conv":
        operands = [operands[0].permute(0, 3, 1, 2).contiguous(), _kernel(operands[1])]
    if job.task.kind == "op":
        return lambda: fn(*operands)
    leaves = [t.requires_grad_() for t in operands]
    return lambda: torch.autograd.grad(fn(*leaves).sum(), leaves)[1]


def _infer(model):
    model.eval()

    @torch.inference_mode()
    def predict(x):
        return model(torch.from_numpy(x).to(DEVICE)).cpu().numpy()[0, 0]

    return predict


def _step(model, task):
    params = [p for p in model.parameters() if p.requires_grad]
    if task.optimizer == "SGD":
        optimizer = torch.optim.SGD(
            params, task.hyper["learning_rate"], task.hyper["momentum"], fused=True
        )
    else:
        optimizer = torch.optim.Adam(params, task.hyper["learning_rate"], fused=True)
    criterion, count = nn.CrossEntropyLoss(), 0

    def step(x, y):
        nonlocal count
        count += 1
        optimizer.param_groups[0]["eps"] = epsilon(count)  # SGD has no use for it
        optimizer.zero_grad(set_to_none=True)
        x, y = torch.from_numpy(x).to(DEVICE), torch.from_numpy(y).to(DEVICE)
        loss = criterion(model(x), y.long())
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


@torch.no_grad()
def _set(module, *values):
    for name, value in zip(("weight", "bias"), values, strict=False):
        getattr(module, name).copy_(value)
    return module


def _linear(w, b):
    return _set(nn.Linear(*w.shape), w.T, b)


def _kernel(k):
    return k.permute(3, 2, 0, 1).contiguous()


def _conv(k, b, padding=0):
    return _set(nn.Conv2d(k.shape[2], k.shape[3], k.shape[0], padding=padding), _kernel(k), b)


class _ChannelsFirst(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


def _after(w, channels, places):
    """The kernel of a dense layer after images flattened with channels first."""
    return w.reshape(places, channels, -1).transpose(0, 1).reshape(places * channels, -1)


def _mlp_layers(w):
    pairs = [_linear(w[i], w[i + 1]) for i in range(0, len(w), 2)]
    return [layer for pair in pairs for layer in (pair, nn.ReLU())][:-1]


def mlp(w):
    return nn.Sequential(*_mlp_layers(w))


def convnet(w):
    return nn.Sequential(
        _ChannelsFirst(), _conv(w[0], w[1]), nn.ReLU(), _conv(w[2], w[3]), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), *_mlp_layers([_after(w[4], 64, 144), *w[5:]]),
    )  # fmt: skip


def vgg(w):
    body = []
    for i in (0, 2, 4):
        body += [_conv(w[i], w[i + 1], 1), nn.ReLU(), nn.MaxPool2d(2)]
    top = _mlp_layers([_after(w[6], 64, 64), *w[7:]])
    return nn.Sequential(_ChannelsFirst(), *body, nn.Flatten(), *top)


class _Recurrent(nn.Module):
    """A recurrent layer, perhaps after an embedding, and a dense one on its last output."""

    def __init__(self, layer, head, embedding=None):
        super().__init__()
        self.embedding = embedding or nn.Identity()
        self.layer, self.head = layer, head

    def forward(self, x):
        return self.head(self.layer(self.embedding(x))[0][:, -1])


@torch.no_grad()
def lstm(w):
    layer = nn.LSTM(32, 128, batch_first=True)
    layer.weight_ih_l0.copy_(w[0].T), layer.weight_hh_l0.copy_(w[1].T)
    layer.bias_ih_l0.copy_(w[2]), layer.bias_hh_l0.zero_()
    layer.bias_hh_l0.requires_grad_(False)  # torch has two biases where others have one
    return _Recurrent(layer, _linear(w[3], w[4]))


@torch.no_grad()
def text(w):
    layer = nn.GRU(64, 128, batch_first=True)

    def reset_first(a):
        z, r, h = a.chunk(3, -1)
        return torch.cat([r, z, h], -1).T

    layer.weight_ih_l0.copy_(reset_first(w[1])), layer.weight_hh_l0.copy_(reset_first(w[2]))
    for bias, value in zip((layer.bias_ih_l0, layer.bias_hh_l0), w[3], strict=True):
        bias.copy_(reset_first(value[None])[:, 0])
    return _Recurrent(layer, _linear(w[4], w[5]), nn.Embedding(10000, 64, _weight=w[0].clone()))


class _Mean(nn.Module):
    def __init__(self, block, head):
        super().__init__()
        self.block, self.head = block, head

    def forward(self, x):
        return self.head(self.block(x).mean(1))


@torch.no_grad()
def transformer(w):
    block = nn.TransformerEncoderLayer(128, 4, 512, 0.0, layer_norm_eps=1e-3, batch_first=True)
    attention = block.self_attn
    attention.in_proj_weight.copy_(torch.cat([w[i].reshape(128, 128).T for i in (0, 2, 4)]))
    attention.in_proj_bias.copy_(torch.cat([w[i].reshape(128) for i in (1, 3, 5)]))
    _set(attention.out_proj, w[6].reshape(128, 128).T, w[7])
    _set(block.norm1, w[8], w[9]), _set(block.norm2, w[14], w[15])
    _set(block.linear1, w[10].T, w[11]), _set(block.linear2, w[12].T, w[13])
    return _Mean(block, _linear(w[16], w[17]))


class _Normed(nn.Sequential):
    """A convolution with "same" padding as elsewhere (the odd cell at the end), and batch norm."""

    def __init__(self, k, scale, shift, mean, variance, stride=1):
        size = k.shape[0]
        ends = (0, 1, 0, 1) if stride == 2 and size == 3 else (size // 2,) * 4
        conv = nn.Conv2d(k.shape[2], k.shape[3], size, stride, bias=False)
        norm = nn.BatchNorm2d(k.shape[3], eps=1e-3, momentum=0.01)
        even = len(set(ends)) == 1
        conv.padding = (ends[0],) * 2 if even else (0, 0)
        pad = [] if even else [nn.ZeroPad2d(ends)]
        super().__init__(*pad, _set(conv, _kernel(k)), _set(norm, scale, shift))


class _Residual(nn.Module):
    def __init__(self, first, second, shortcut):
        super().__init__()
        self.first, self.second, self.shortcut = first, second, shortcut

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


def resnet(w):
    place = iter(range(0, len(w), 5))

    def normed(stride=1):
        i = next(place)
        return _Normed(*w[i : i + 5], stride=stride)

    layers = [_ChannelsFirst(), normed(), nn.ReLU()]
    for block in range(9):
        stride = 2 if block in (3, 6) else 1
        parts = normed(stride), normed(), normed(2) if stride == 2 else nn.Identity()
        layers.append(_Residual(*parts))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), _linear(w[-2], w[-1]))


MODELS = {
    "mlp": mlp, "tiny": mlp, "convnet": convnet, "infer": convnet, "infer256": convnet,
    "vgg": vgg, "lstm": lstm, "text": text, "transformer": transformer, "resnet": resnet,
}  # fmt: skip
