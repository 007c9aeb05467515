"""What a later piece of the same sequences passes back to the last values of this one."""

from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.rows import rows_at
from rnnbench.kernels.tables import INITIAL_SLOTS, WIDTH


@kernel
def add_later(tables, batch, adjoint):
    """Add `adjoint.later`, the gradient of the last values of every box, to `adjoint.dvalues`.

    Parameters
    ----------
    tables, batch
        Of the earlier piece.
    adjoint : Adjoint
        Its `dvalues` have been set to 0. Nothing is added where `later` is empty.
    """
    if adjoint.later.size == 0:
        return
    at = 0
    for box in range(tables.boxes.shape[0]):
        slots = tables.boxes[box, INITIAL_SLOTS]
        size = slots * batch.sequences * tables.boxes[box, WIDTH]
        start = rows_at(tables, batch, box, batch.steps - slots)
        for i in range(size):
            adjoint.dvalues[start + i] += adjoint.later[at + i]
        at += size
