"""The encoders: networks -> embeddings, of one size for any network.

Legend: N instances, H x W the PRep, E embedding, C filters, T taps, B points, D their coordinates.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
        x = F.leaky_relu(self.strongest(prep_NHW)[..., None])
        x = F.leaky_relu(self.down1(x))
        return F.leaky_relu(self.down2(x)).amax((-2, -1))

    def strongest(self, prep_NHW: Tensor) -> Tensor:
        """The most that each horizontal filter answers in each row, [N, C, H].

        A maximum sends its gradient to one column alone. That column is computed again, from the seven columns of the PRep that it
        sees; nothing of the others is kept or differentiated, which is two thirds of the encoder's work and nearly all of its memory.
        """
        if not (torch.is_grad_enabled() and self.across2.weight.requires_grad):
            return self.across(prep_NHW).amax(-1)
        with torch.no_grad():
            column_NCH1 = strongest_column(self.across(prep_NHW))
        bias_C = self.across2.bias
        assert bias_C is not None
        assert prep_NHW.shape[-1] % 4 == 0, "then only the tap left of the first column meets padding"
        seven_7, taps_T = torch.arange(7, device=prep_NHW.device), torch.arange(3, device=prep_NHW.device)
        padded_NCHW = F.pad(prep_NHW, (3, 3))[:, None].expand(-1, column_NCH1.shape[1], -1, -1)
        windows_NCHT3 = padded_NCHW.gather(-1, 4 * column_NCH1 + seven_7).unfold(-1, 3, 2)
        first_NCHTc = F.leaky_relu(F.linear(windows_NCHT3, self.across1.weight[:, 0, 0], self.across1.bias))
        first_NCHTc = first_NCHTc * (2 * column_NCH1 + taps_T > 0)[..., None]
        weight_CTc = self.across2.weight[:, :, 0].transpose(1, 2)
        return (first_NCHTc * weight_CTc[:, None]).sum((-2, -1)) + bias_C[:, None]

    def across(self, prep_NHW: Tensor) -> Tensor:
        """The horizontal convolutions before the last non-linearity, [N, C, H, a fourth of W], channels last in memory."""
        x = prep_NHW[:, None].to(memory_format=torch.channels_last)
        return self.across2(F.leaky_relu(self.across1(x)))


def strongest_column(x_NCHW: Tensor) -> Tensor:
    """Where each row is largest, int64 [N, C, H, 1]. Channels last on a CPU, pooling reads memory in order and `max` does not:
    2 ms against 60 of what the paper's encoder looks at."""
    if x_NCHW.device.type != "cpu":
        return x_NCHW.max(-1, keepdim=True).indices
    width = x_NCHW.shape[-1]
    return F.max_pool2d(x_NCHW, (1, width), return_indices=True)[1] % width


class ProbeEncoder(nn.Module):
    """Ours: asks a network at learned points instead of reading its weights. Its answers there [N, B] -> [N, E].

    Blind by construction to whatever leaves the function as it is: the order, the signs, even the number of hidden units. Points have
    `dimensions` coordinates; answers beyond about 2 / `sharpness` all read the same.
    """

    def __init__(self, probes: int, width: int, embedding: int, dimensions: int, sharpness: float):
        super().__init__()
        self.sharpness = sharpness
        self.points_B3 = nn.Parameter(torch.empty(probes, dimensions).uniform_(-0.9, 0.9))  # [B, D]: named for shapes, artifacts keep it
        self.hidden1 = nn.Linear(probes, width)
        self.hidden2 = nn.Linear(width, width)
        self.out = nn.Linear(width, embedding)

    def forward(self, answers_NB: Tensor) -> Tensor:
        x = F.leaky_relu(self.hidden1(torch.tanh(self.sharpness * answers_NB)))
        return self.out(F.leaky_relu(self.hidden2(x)))
