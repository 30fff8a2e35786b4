"""Pictures of a graph, interactive pages, and explanations in words."""

from .dot import to_dot as to_dot
from .drawing import Drawing as Drawing, draw as draw
from .explain import Explanation as Explanation, explain as explain
from .explore import explore as explore
from .frames import frames as frames
from .page import Page as Page
from .playground import playground as playground
from .rendering import INSTALL as INSTALL, RenderingError as RenderingError
from .walk import Send as Send, Step as Step, walk as walk
