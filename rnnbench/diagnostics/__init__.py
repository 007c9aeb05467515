"""What happens through time: influence, gradient norms, spectral radius, saturation, memory. Arrays only."""

from rnnbench.diagnostics.gradients import gradient_norms, value_gradients
from rnnbench.diagnostics.influence import Influence, effective_memory, influence
from rnnbench.diagnostics.memory import MemoryCapacity, memory_capacity
from rnnbench.diagnostics.saturation import Saturation, saturation
from rnnbench.diagnostics.spectrum import companion, spectral_radius

__all__ = [
    "Influence",
    "MemoryCapacity",
    "Saturation",
    "companion",
    "effective_memory",
    "gradient_norms",
    "influence",
    "memory_capacity",
    "saturation",
    "spectral_radius",
    "value_gradients",
]
