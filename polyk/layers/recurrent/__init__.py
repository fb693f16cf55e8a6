"""Recurrent layers: a cell computes a step, an RNN takes it over a sequence."""

from polyk.layers.recurrent.conv_lstm import (
    ConvLSTM1D,
    ConvLSTM1DCell,
    ConvLSTM2D,
    ConvLSTM2DCell,
    ConvLSTM3D,
    ConvLSTM3DCell,
)
from polyk.layers.recurrent.gru import GRU, GRUCell
from polyk.layers.recurrent.lstm import LSTM, LSTMCell
from polyk.layers.recurrent.rnn import RNN
from polyk.layers.recurrent.simple import SimpleRNN, SimpleRNNCell
from polyk.layers.recurrent.stacked import StackedRNNCells
from polyk.layers.recurrent.wrappers import Bidirectional, TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM1DCell",
    "ConvLSTM2D",
    "ConvLSTM2DCell",
    "ConvLSTM3D",
    "ConvLSTM3DCell",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]
