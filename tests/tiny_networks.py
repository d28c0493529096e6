"""Small networks as people write them, for what takes any network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Mlp(nn.Module):
    def __init__(self, width: int = 24):
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(64, width), nn.BatchNorm1d(width), nn.GELU(), nn.Dropout(0.2), nn.Linear(width, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Vgg(nn.Module):
    def __init__(self, width: int = 8):
        super().__init__()
        layers: list[nn.Module] = []
        for i, o in ((1, width), (width, width)):
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(4 * width, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class MobileNet(nn.Module):
    """Depthwise separable convolutions, an inverted residual, ReLU6 and hard swish."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.expand = nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU6(inplace=True))
        self.depthwise = nn.Sequential(
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width, bias=False), nn.BatchNorm2d(2 * width), nn.Hardswish()
        )
        self.project = nn.Sequential(nn.Conv2d(2 * width, width, 1, bias=False), nn.BatchNorm2d(width))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.norm(self.stem(x)))
        x = x + self.project(self.depthwise(self.expand(x)))
        return self.head(F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1))


class PreActivation(nn.Module):
    """Batch norms before their convolutions: the first stays, and each of the others is fed by the convolution before it."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.norm2 = nn.BatchNorm2d(width)  # registered before what it follows
        self.norm1 = nn.BatchNorm2d(1)
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding="same", bias=False)
        self.last = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(F.relu(self.norm1(x)))
        x = x + self.conv2(F.relu(self.norm2(x)))
        return self.fc(F.leaky_relu(self.last(x), 0.1).mean((2, 3)))


class Attention(nn.Module):
    """Four patches as tokens, one block, the mean of the tokens."""

    def __init__(self, width: int = 16, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.patch = nn.Conv2d(1, width, 4, 4)
        self.place = nn.Parameter(torch.randn(1, 4, width) * 0.02)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2) + self.place
        b, t, w = x.shape
        q, k, v = (part.reshape(b, t, self.heads, -1).permute(0, 2, 1, 3) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, w))
        return self.head((x + self.mlp(self.norm2(x))).mean(1))


class Grouped(nn.Module):
    """Group norm, a transposed convolution, a constant table, in-place arithmetic and a concatenation."""

    table: Tensor

    def __init__(self, width: int = 8):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, 2, 1, bias=False)
        self.norm = nn.GroupNorm(2, width)
        self.up = nn.ConvTranspose2d(width, width, 2, 2, bias=False)
        self.upnorm = nn.BatchNorm2d(width)
        self.register_buffer("table", torch.linspace(-1, 1, 64).view(1, 1, 8, 8))
        self.fc = nn.Linear((width + 1) * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = self.upnorm(self.up(F.silu(self.norm(self.conv(x)))))
        y += self.table
        y = torch.cat([y, x * 0.5], 1)[:, :, ::2, ::2]
        return self.fc(y.reshape(x.shape[0], -1))


class Siren2(nn.Module):
    """Points -> colours."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(2, width), nn.Linear(width, width), nn.Linear(width, 1)
        nn.init.uniform_(self.first.weight, -0.5, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.sin(30 * self.second(torch.sin(30 * self.first(x)))))


class Line(nn.Module):
    """Rows as signals: convolutions and pools along a line, in groups and padded; torch's own attention."""

    def __init__(self, width: int = 12):
        super().__init__()
        self.conv1, self.norm = nn.Conv1d(8, width, 3, padding=1), nn.BatchNorm1d(width)
        self.conv2 = nn.Conv1d(width, width, 3, dilation=2, padding=2, groups=3)
        self.attention, self.fc = nn.MultiheadAttention(width, 2, batch_first=True), nn.Linear(2 * width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool1d(F.elu(self.norm(self.conv1(x.squeeze(1)))), 2)
        x = F.avg_pool1d(self.conv2(x), 3, stride=2, padding=1, count_include_pad=False).transpose(1, 2)
        return self.fc((x + self.attention(x, x, x, need_weights=False)[0]).flatten(1))


NETWORKS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "mlp": (Mlp, (1, 8, 8)),
    "vgg": (Vgg, (1, 8, 8)),
    "mobilenet": (MobileNet, (1, 8, 8)),
    "preactivation": (PreActivation, (1, 8, 8)),
    "attention": (Attention, (1, 8, 8)),
    "grouped": (Grouped, (1, 8, 8)),
    "line": (Line, (1, 8, 8)),
    "colours": (Siren2, (2,)),
}


@torch.no_grad()
def trained(module: nn.Module, seed: int = 0) -> nn.Module:
    """A module whose batch norms hold statistics, scales and shifts as training leaves them, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
            part.running_mean.copy_(0.3 * torch.randn(part.num_features, generator=generator))
            part.running_var.copy_(torch.rand(part.num_features, generator=generator) + 0.5)
            if part.affine:
                part.weight.copy_(torch.rand(part.num_features, generator=generator) + 0.5)
                part.bias.copy_(0.3 * torch.randn(part.num_features, generator=generator))
    return module.eval()
