"""The encoders: networks -> embeddings, of one size for any network.

Legend: N instances, H x W the PRep, E embedding, B points, P parameters.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHARPNESS = 10.0  # of the probe encoder: signed distances beyond about 0.2 all read the same


class PRepEncoder(nn.Module):
    """First horizontal, then vertical convolutions, a maximum over each axis in turn. PReps [N, H, W] -> [N, E].

    With h = `width` filters at first and an embedding of E = 32 h this is the paper's (III and fig. 1).
    """

    def __init__(self, width: int, embedding: int):
        super().__init__()
        self.across1 = nn.Conv2d(1, width, (1, 3), (1, 2), padding=(0, 1))
        self.across2 = nn.Conv2d(width, 2 * width, (1, 3), (1, 2), padding=(0, 1))
        self.down1 = nn.Conv2d(2 * width, 4 * width, (3, 1), padding=(1, 0))
        self.down2 = nn.Conv2d(4 * width, embedding, (3, 1), padding=(1, 0))

    def forward(self, prep_NHW: Tensor) -> Tensor:
        x = F.leaky_relu(self.across1(prep_NHW[:, None]))
        x = F.leaky_relu(self.across2(x)).amax(-1, keepdim=True)
        x = F.leaky_relu(self.down1(x))
        return F.leaky_relu(self.down2(x)).amax((-2, -1))


class ProbeEncoder(nn.Module):
    """Ours: asks a network at learned points instead of reading its weights. Its answers there [N, B] -> [N, E].

    Blind by construction to whatever leaves the function as it is: the order, the signs, even the number of hidden units.
    """

    def __init__(self, probes: int, width: int, embedding: int):
        super().__init__()
        self.points_B3 = nn.Parameter(torch.empty(probes, 3).uniform_(-0.9, 0.9))
        self.hidden1 = nn.Linear(probes, width)
        self.hidden2 = nn.Linear(width, width)
        self.out = nn.Linear(width, embedding)

    def forward(self, answers_NB: Tensor) -> Tensor:
        x = F.leaky_relu(self.hidden1(torch.tanh(SHARPNESS * answers_NB)))
        return self.out(F.leaky_relu(self.hidden2(x)))
