"""The steps in PyTorch: modules, channels first, fused Adam."""

import torch
from torch import nn


def _step(model, prepare):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)
    criterion = nn.CrossEntropyLoss()

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(prepare(torch.from_numpy(x))), torch.from_numpy(y).long())
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def mlp(weights):
    model = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )
    return _step(model, lambda x: x)


class _Last(nn.Module):
    """A recurrent layer and a dense one on its last output."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def lstm(weights):
    return _step(_Last(nn.LSTM(32, 128, batch_first=True)), lambda x: x)


def gru(weights):
    return _step(_Last(nn.GRU(32, 128, batch_first=True)), lambda x: x)


def convnet(weights):
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return _step(model, lambda x: x.permute(0, 3, 1, 2))
