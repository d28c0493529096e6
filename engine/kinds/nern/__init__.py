"""NeRN ("Neural Representations for Neural Networks", ICLR 2023): a network that knows another network's kernels."""
