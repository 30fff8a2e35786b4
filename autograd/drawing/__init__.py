"""Pictures of a graph, interactive pages, and explanations in words."""

from .dot import to_dot as to_dot
from .drawing import Drawing as Drawing, draw as draw
from .explain import Explanation as Explanation, explain as explain
from .explore import explore as explore
from .page import Page as Page
from .rendering import INSTALL as INSTALL, RenderingError as RenderingError
