"""What polyk loads: the contenders, told without importing a framework."""

import polyk

TRAINED = "mlp convnet vgg lstm text tiny"
ALWAYS = "infer infer256 add exp matmul conv conv_gradient"
NATIVE = {
    "numpy": f"{TRAINED} {ALWAYS}",
    "torch": f"{TRAINED} resnet transformer {ALWAYS}",
    "jax": f"{TRAINED} resnet transformer {ALWAYS}",
    "tensorflow": f"{TRAINED} resnet transformer {ALWAYS}",
}
KERAS = f"{TRAINED} resnet transformer infer infer256"
KERAS_ENGINES = ("torch", "jax", "tensorflow")  # its NumPy backend cannot train


@polyk.hookimpl
def polyk_benchmark_cases(suite):
    for backend, workloads in NATIVE.items():
        target = f"polyk_benchmarks.native_{backend}:start"
        suite.add_contender("native", backend, target, workloads.split())
    for backend in KERAS_ENGINES:
        suite.add_contender("keras", backend, "polyk_benchmarks.keras:start", KERAS.split())
    suite.limit_threads("TF_NUM_INTRAOP_THREADS", "{n}")
    suite.limit_threads("TF_NUM_INTEROP_THREADS", "{n}")
    suite.limit_threads(
        "XLA_FLAGS",
        "--xla_cpu_multi_thread_eigen={many} intra_op_parallelism_threads={n}",
    )
