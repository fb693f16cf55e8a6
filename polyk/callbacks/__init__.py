"""What listens while a model trains: history, progress, checkpoints, and whatever a user adds."""

from polyk.callbacks.backup import BackupAndRestore as BackupAndRestore
from polyk.callbacks.base import Callback as Callback
from polyk.callbacks.base import CallbackList as CallbackList
from polyk.callbacks.base import LambdaCallback as LambdaCallback
from polyk.callbacks.checkpoint import ModelCheckpoint as ModelCheckpoint
from polyk.callbacks.ema import SwapEMAWeights as SwapEMAWeights
from polyk.callbacks.history import History as History
from polyk.callbacks.progress import ProgbarLogger as ProgbarLogger
from polyk.callbacks.progress import ProgressBar as ProgressBar
from polyk.callbacks.rates import LearningRateScheduler as LearningRateScheduler
from polyk.callbacks.rates import ReduceLROnPlateau as ReduceLROnPlateau
from polyk.callbacks.records import CSVLogger as CSVLogger
from polyk.callbacks.records import RemoteMonitor as RemoteMonitor
from polyk.callbacks.stopping import EarlyStopping as EarlyStopping
from polyk.callbacks.stopping import TerminateOnNaN as TerminateOnNaN
from polyk.callbacks.tensorboard import TensorBoard as TensorBoard
