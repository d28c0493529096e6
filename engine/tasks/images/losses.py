"""What a space is trained on: what its networks answer, not what their weights are.

Legend: N instances, B images, K classes.
"""

from torch import Tensor
from torch.nn import functional as F


def distillation(predicted_NBK: Tensor, target_NBK: Tensor, temperature: float) -> Tensor:
    """Eq. 1 per instance [N]: KL(softmax(t / T) || softmax(p / T)) T^2, averaged over the images.

    The divergence is from the target's answers, as in Hinton et al. and in F.kl_div(log p, t); the paper writes its
    arguments in the order of that call.
    """
    log_p = F.log_softmax(predicted_NBK / temperature, -1)
    log_t = F.log_softmax(target_NBK / temperature, -1)
    return F.kl_div(log_p, log_t, reduction="none", log_target=True).sum(-1).mean(-1) * temperature**2


def spread(target_NBK: Tensor) -> Tensor:
    """Variance of each target's logits over images and classes, about each image's mean [N]; the `balance` switch divides by it."""
    return (target_NBK - target_NBK.mean(-1, keepdim=True)).square().mean((-2, -1))


def soft_accuracy(logits_NBK: Tensor, labels_B: Tensor, spread_N: Tensor, sharpness: float = 10.0) -> Tensor:
    """A differentiable accuracy per instance [N], in 0..1: the mean share that a sharp softmax gives to the right class.

    Logits are measured in units of `spread_N` ** 0.5 (the target's), so that weak networks, whose logits are small, are
    judged as sharply as strong ones.
    """
    scaled_NBK = logits_NBK * (sharpness / spread_N.sqrt())[:, None, None]
    labels_NB1 = labels_B[None, :, None].expand(len(logits_NBK), -1, 1)
    return F.softmax(scaled_NBK, -1).gather(-1, labels_NB1).mean((-2, -1))
