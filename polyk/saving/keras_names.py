"""What Keras 1, 2 and 3 call layers and arguments, beside what polyk (that is, Keras 3) does.

Data for `keras_config`. An argument that is not here goes by one name in all of them.
"""

from __future__ import annotations

from typing import Any

CLASSES = {
    "Model": "Functional",
    # Keras 1
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",  # which takes inputs of any rank now
    "GroupedQueryAttention": "GroupQueryAttention",
    # Keras 2
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "SyncBatchNormalization": "BatchNormalization",
}

# What a class of Keras 1 or 2 did and its configs do not say: arguments that polyk needs told.
IMPLIED: dict[str, dict[str, Any]] = {
    "CuDNNLSTM": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "CuDNNGRU": {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True},
    "GRU": {"reset_after": False},
    "SyncBatchNormalization": {"synchronized": True},
}

# Keras 1 -> 2, for every layer.
RENAMED_1 = {
    "nb_filter": "filters",
    "output_dim": "units",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "filter_length": "kernel_size",
    "pool_length": "pool_size",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "depthwise_init": "depthwise_initializer",
    "pointwise_init": "pointwise_initializer",
    "beta_init": "beta_initializer",
    "gamma_init": "gamma_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "U_constraint": "recurrent_constraint",
    "b_constraint": "bias_constraint",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "bias": "use_bias",
    "p": "rate",
    "sigma": "stddev",
}
# Keras 1 -> 2, where a layer has its own words.
RENAMED_1_OF = {
    "Embedding": {
        "output_dim": "output_dim",
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "UpSampling1D": {"length": "size"},
    "PReLU": {"init": "alpha_initializer"},
}
# Several arguments of Keras 1 that became one.
GATHERED_1 = [
    (("nb_row", "nb_col"), "kernel_size"),
    (("kernel_dim1", "kernel_dim2", "kernel_dim3"), "kernel_size"),
]
# Keras 2 -> 3.
RENAMED_2 = {"LeakyReLU": {"alpha": "negative_slope"}}

INITIALIZERS = {
    "zero": "zeros",
    "one": "ones",
    "normal": "random_normal",
    "uniform": "random_uniform",
}
VALUES: dict[str, dict[str, Any]] = {
    "data_format": {"tf": "channels_last", "th": "channels_first", "default": None},
    "unit_forget_bias": {"one": True, "zero": False},
}

# Arguments that polyk does not have, and the values that make no difference; ANY: all of them.
ANY = object()
IDLE: dict[str, Any] = {
    "implementation": ANY,  # how it is computed
    "consume_less": ANY,
    "use_cudnn": ANY,
    "fused": ANY,
    "unroll": ANY,
    "batch_input_shape": ANY,  # become an InputLayer
    "input_dim": ANY,
    "input_length": ANY,
    "input_dtype": ANY,
    "input_shape": ANY,
    "batch_size": ANY,
    "forget_bias_init": ANY,  # of weights that are in the file
    "kernel_initializer": ANY,  # of a layer that has no such kernel
    "kernel_regularizer": ANY,
    "kernel_constraint": ANY,
    "query_shape": ANY,  # which follow from the inputs
    "key_shape": ANY,
    "value_shape": ANY,
    "softmax_robust_masking": False,
    "groups": 1,
    "time_major": False,
    "ragged": False,
    "sparse": False,
    "optional": False,
    "mode": 0,  # of batch normalization
    "virtual_batch_size": None,
    "adjustment": None,
    "activity_regularizer": None,
    "lora_rank": None,
    "lora_alpha": None,
    "quantization_config": None,
    "dropout": 0.0,  # of an embedding
    "num_constants": None,
    "noise_shape": None,
}

MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "min": "Minimum",
    "concat": "Concatenate",
    "dot": "Dot",
    "cos": "Dot",
}

CODE = ("Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer", "TensorFlowOpLayer")
