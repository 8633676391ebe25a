"""Taking a run into possession, and going on where it stopped."""

import logging

from copa import checkpoint
from copa.config.schema import Config
from copa.errors import MismatchError
from copa.learning import UpdateRule
from copa.replay import Replay
from copa.run_folder import RunFolder
from learner.keeper import EXPORT
from learner.progress import Progress

log = logging.getLogger(__name__)


def resume(config: Config, rule: UpdateRule, replay: Replay, folder: RunFolder) -> Progress:
    """Claim the run; where there is a checkpoint, load the newest whole one into `rule`.

    A living replay of the same run wins; batches drawn since the checkpoint are owed again, all of them where there is
    no checkpoint yet. An empty replay takes the checkpoint's counters, and the segments of the export beside it where
    there is one.

    Raises:
        MismatchError: the checkpoint is of another task or method, or the run belongs to someone else.
    """
    newest = checkpoint.find_newest(folder.checkpoints)
    if newest is None:
        replay.claim(folder.owner, sampled=0)
        return Progress()
    saved = checkpoint.load(newest)
    for field, theirs, ours in (
        ("task.name", saved.config.task.name, config.task.name),
        ("method.name", saved.config.method.name, config.method.name),
    ):
        if theirs != ours:
            raise MismatchError(f"{newest} is of {field} = {theirs}, not {ours}; resume with that, or start a new run")
    rule.load(saved.tensors)
    claim = replay.claim(folder.owner, restore=bool(saved.counters), sampled=saved.counters.get("sampled", 0))
    if claim.created and saved.counters:
        export = folder.path / EXPORT
        if export.exists():
            log.info("refilled the replay with %d segments", replay.import_(export))
        else:
            replay.restore_counters(saved.counters)
    log.info("resumed from %s: %d updates, %d steps", newest.name, saved.updates, saved.steps)
    return Progress(
        steps=saved.steps,
        sampled=saved.counters.get("sampled", 0),
        version=saved.version,
        counters=saved.counters,
    )
