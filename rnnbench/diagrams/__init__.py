"""Diagrams of networks: where boxes, arrows and labels lie. `rendering` turns them into pictures."""

from rnnbench.diagrams.folded import folded
from rnnbench.diagrams.shapes import Diagram, Label, Mark, Node, Route
from rnnbench.diagrams.unfolded import unfolded

__all__ = ["Diagram", "Label", "Mark", "Node", "Route", "folded", "unfolded"]
