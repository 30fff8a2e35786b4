"""What each column of the comparison can do, tried: one class for each peer, one method for each row.

Every method does with its peer what its docstring in `Peer` says, and returns what came of it. A peer's package is
imported when its class is made.
"""

from .casadi import CasADi
from .gatewise import Gatewise
from .micrograd import Micrograd
from .mygrad import MyGrad
from .peer import Peer as Peer
from .pytorch import PyTorch

PEERS: dict[str, type[Peer]] = {peer.name: peer for peer in (Micrograd, MyGrad, PyTorch, CasADi, Gatewise)}
