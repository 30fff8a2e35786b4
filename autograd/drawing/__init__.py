"""Readings for the eye: pictures of a graph, and its walk in words."""

from .dot import to_dot as to_dot
from .drawing import INSTALL as INSTALL, Drawing as Drawing, RenderingError as RenderingError, draw as draw
from .explain import Explanation as Explanation, explain as explain
