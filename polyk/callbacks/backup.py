"""BackupAndRestore: a run that is killed at any moment goes on as if nothing had happened."""

from __future__ import annotations

from typing import Any

from polyk.callbacks.base import Callback, Logs


class BackupAndRestore(Callback):
    """Back up the whole run in `backup_dir`; a later `fit` with the same arguments takes it up.

    `save_freq` is "epoch" or a number of batches. Weights, optimizer, metrics, random streams, the
    order of the data, the history and what other callbacks remember are in one file, which is
    written whole before an older one is removed: the resumed run ends with the same bits. Of
    several files the newest sound one is taken, and a warning says so. The backups are removed when
    training is done, unless `delete_checkpoint` is False.
    """

    last = True

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = True,
        delete_checkpoint: bool = True,
    ) -> None:
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"save_freq must be 'epoch' or a number of batches; got {save_freq!r}."
            )
        self.backup_dir, self.save_freq = backup_dir, save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._epoch = self._since = 0
        self._seen = -1
        self._done = False

    def get_state(self) -> dict[str, Any]:
        return {}

    def _files(self) -> Any:
        from polyk.saving.checkpoints import Checkpoints

        return Checkpoints(self.backup_dir, "backup", 2 if self.double_checkpoint else 1)

    def resume(self) -> Any:
        from polyk.saving.resume import Earlier

        return self._files().newest(lambda path: Earlier(self.model, self.group, path))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._seen = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._since += batch - self._seen  # several where a call runs several steps
        self._seen = batch
        if self._since >= self.save_freq:
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._done = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._done and self.delete_checkpoint:
            self._files().remove()

    def _save(self, epoch: int, batch: int) -> None:
        from polyk.saving import document, resume

        self._since = 0
        told, arrays = resume.capture(self.model, self.group, epoch, batch)
        self._files().write(document.pieces(told, arrays))
