"""The decoder: embeddings -> PReps (paper, III and fig. 1): convolutions deepen, views spread depth over space.

Legend: N instances, H x W the PRep, E embedding seen as 1 x s x s.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Decoder(nn.Module):
    """Embeddings [N, E] -> PReps [N, H, W].

    `channels` = (depth and length of the view after block 1, depth after block 3); the paper's are (128, 2048, 256).
    Sizes of the paper at H x W, E = 4096: conv(1 -> 256 H) view 128 x H x 2048, conv(128 -> W/8) view 512 x H/2 x W/4,
    conv(512 -> 256) view 256 x H/4 x W/8, conv(256 -> 32) view 1 x H x W, then an independent scale and bias per element.
    """

    def __init__(self, embedding: int, height: int, width: int, channels: tuple[int, int, int]):
        super().__init__()
        depth, length, narrow = channels
        self.side, self.height, self.width = round(embedding**0.5), height, width
        self.depth, self.length, self.middle = depth, length, length // 4
        self.block1 = nn.Conv2d(1, depth * height * length // (self.side // 2) ** 2, 3, 2, padding=1)
        self.block2 = nn.Conv2d(depth, width // 8, 3, 2, padding=1)
        self.block3 = nn.Conv2d(self.middle, narrow, 3, 2, padding=1)
        self.block4 = nn.Conv2d(narrow, 32, 3, padding=1)
        self.scale_HW, self.bias_HW = (nn.Parameter(torch.empty(height, width)) for _ in range(2))
        if not self.scale_HW.is_meta:  # to draw without memory torch imports its compiler, longer than all else of a space takes
            nn.init.normal_(self.scale_HW, std=1e-3)
            nn.init.uniform_(self.bias_HW, 0, 1e-2)

    def plain(self) -> None:
        """Leave the scale and bias of each element out, for good: what the convolutions give is the PRep."""
        self.scale_HW.requires_grad_(False).fill_(1.0)
        self.bias_HW.requires_grad_(False).zero_()

    def forward(self, embedding_NE: Tensor) -> Tensor:
        count, height, width = len(embedding_NE), self.height, self.width
        x = F.leaky_relu(self.block1(embedding_NE.view(count, 1, self.side, self.side)))
        x = F.leaky_relu(self.block2(x.view(count, self.depth, height, self.length)))
        x = x.view(count, self.middle, height // 2, width // 4)
        if x.dtype is torch.bfloat16:  # block 3 is a quarter faster so
            x = x.contiguous(memory_format=torch.channels_last)
        x = F.leaky_relu(self.block3(x))
        x = self.block4(x).reshape(count, height, width)
        return x * self.scale_HW + self.bias_HW
