"""Diagrams of networks: where boxes, arrows and labels lie. Geometry only; `reporting` draws it."""

from rnnbench.network.diagram.folded import folded
from rnnbench.network.diagram.shapes import Diagram, Label, Mark, Node, Route
from rnnbench.network.diagram.unfolded import unfolded

__all__ = ["Diagram", "Label", "Mark", "Node", "Route", "folded", "unfolded"]
