"""Knowledge distillation: a small student learns from labels and from its teacher's doubts."""

import polyk
from polyk import layers, losses, ops


def network(width, name):
    stack = [layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(width, "relu")]
    return polyk.Sequential([*stack, layers.Dense(10)], name=name, seed=0)


class Distiller(polyk.Model):
    def __init__(self, teacher, student, temperature=3.0, share=0.7, **kwargs):
        super().__init__(**kwargs)
        self.teacher, self.student = teacher, student
        self.temperature, self.share = temperature, share
        self.teacher.trainable = False  # what is frozen is not in trainable_weights

    def call(self, x):
        return self.student(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        hard = super().compute_loss(x, y, y_pred, sample_weight)
        if not training:
            return hard
        t = self.temperature
        soft = losses.kl_divergence(
            ops.softmax(ops.stop_gradient(self.teacher(x)) / t), ops.softmax(y_pred / t)
        )
        return (1 - self.share) * hard + self.share * t**2 * ops.mean(soft)


(x, y), held_out = polyk.data.load_digits()
loss = losses.SparseCategoricalCrossentropy(from_logits=True)
teacher = network(128, "teacher")
teacher.compile(polyk.optimizers.Adam(0.003), loss, metrics=["accuracy"])
teacher.fit(x, y, epochs=6, verbose=0)
model = Distiller(teacher, network(12, "student"), seed=1)
model.compile(polyk.optimizers.Adam(0.01), loss, metrics=["accuracy"])
model.fit(x, y, epochs=10, verbose=0)
for name, net in (("teacher", teacher), ("student", model)):
    found = net.evaluate(*held_out, verbose=0, return_dict=True)
    print(f"{model.backend.name}: {name} held-out accuracy {found['accuracy']:.3f}")
print(f"weights: teacher {teacher.count_params():,}, student {model.student.count_params():,}")
