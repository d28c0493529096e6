"""The encoder: PReps -> embeddings, of one size for any PRep (paper, III and fig. 1).

Legend: N instances, H x W the PRep, E embedding.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PRepEncoder(nn.Module):
    """First horizontal, then vertical convolutions, a maximum over each axis in turn. PReps [N, H, W] -> [N, E].

    With h = `width` filters at first and an embedding of E = 32 h this is the paper's.
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
