"""A graph's nodes as the lines of a `forward`, with few names and calls within calls where a person would write them so."""

from __future__ import annotations

from collections.abc import Mapping

from ...archs.graph.form import INPUT, Graph, Node, Ref

NAMES = ("x", "y", "z", "u", "v", "w", "q", "k", "a", "b", "c", "d")
FUNCTIONAL = (
    "relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh", "softplus",
    "max_pool2d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "pad", "linear", "conv1d", "conv2d",
    "conv_transpose2d.input", "batch_norm", "layer_norm", "group_norm", "scaled_dot_product_attention",
)  # fmt: skip
TAKEN = {"layer_norm": 5, "group_norm": 5, "batch_norm": 5, "elu": 2}  # arguments that torch's function takes
METHODS = {
    "softmax.int": "softmax", "log_softmax.int": "log_softmax", "mean.dim": "mean", "sum.dim_IntList": "sum", "amax": "amax",
    "flatten.using_ints": "flatten", "unflatten.int": "unflatten", "transpose.int": "transpose", "unsqueeze": "unsqueeze",
    "squeeze.dim": "squeeze",
    "squeeze.dims": "squeeze", "chunk": "chunk", "split.Tensor": "split", "split_with_sizes": "split", "t": "t", "clamp": "clamp",
    "sigmoid": "sigmoid", "tanh": "tanh", "abs": "abs", "neg": "neg", "exp": "exp", "log": "log", "sqrt": "sqrt", "rsqrt": "rsqrt",
    "erf": "erf",
}  # fmt: skip
SPREAD = {"view": "reshape", "reshape": "reshape", "permute": "permute", "expand": "expand"}  # methods of a list of sizes
INFIX = {
    "add.Tensor": "+", "sub.Tensor": "-", "mul.Tensor": "*", "div.Tensor": "/", "pow.Tensor_Scalar": "**", "matmul": "@",
    "size.add": "+", "size.sub": "-", "size.mul": "*", "size.floordiv": "//",
}  # fmt: skip
LINES = 110  # characters


class Writer:
    """The lines of a graph's forward pass, in order."""

    def __init__(self, graph: Graph, calls: Mapping[str, str], constants: Mapping[str, str], places: Mapping[str, str]):
        """`calls`: node -> layer; `constants`: name -> attribute; `places`: tensor -> how it is read (self.layers[0].weight)."""
        self.graph, self.calls, self.constants, self.places = graph, calls, constants, places
        self.last: dict[str, int] = {}
        self.uses = graph.uses()
        for at, node in enumerate(graph.nodes):
            self.last[node.name] = at
            self.last.update({ref.name: at for ref in node.reads if not ref.tensor})
        self.last[graph.output] = len(graph.nodes)
        self.names = {INPUT: "x"}
        self.pending: dict[str, str] = {}  # results that are written where they are read

    def lines(self) -> list[str]:
        found = []
        for at, node in enumerate(self.graph.nodes):
            text = self.expression(node)
            if self.inlined(at, node, text):
                self.pending[node.name] = text
                continue
            if node.name == self.graph.output:
                found.append(f"return {text}")
                break
            name = self.name(at, node)
            found.append(f"{name} = {text}")
        return found if found and found[-1].startswith("return") else [*found, f"return {self.names[self.graph.output]}"]

    def inlined(self, at: int, node: Node, text: str) -> bool:
        """Whether a result is written into the call that reads it: the next one, and short."""
        following = self.graph.nodes[at + 1] if at + 1 < len(self.graph.nodes) else None
        if following is None or self.uses[Ref(node.name)] != 1 or node.op in ("chunk", "split.Tensor", "split_with_sizes"):
            return node.op in ("sym_size.int", "t", "mT")
        if node.op in ("sym_size.int", "t", "mT", "contiguous", "clone"):
            return len(text) < 40
        reads = [ref.name for ref in following.reads if not ref.tensor]
        layers = node.name in self.calls, following.name in self.calls
        return node.name in reads and layers != (False, True) and text.count("(") < 3 and len(text) < 60 and layers != (True, True)

    def name(self, at: int, node: Node) -> str:
        """A name for a result: that of something that is not read any more, if there is one."""
        alive = {self.names[value] for value, last in self.last.items() if value in self.names and last > at}
        found = next((each for each in NAMES if each not in alive), f"x{at}")
        self.names[node.name] = found
        return found

    def read(self, value) -> str:
        if isinstance(value, Ref):
            if value.tensor:
                return f"self.{self.constants[value.name]}" if value.name in self.constants else self.places[value.name]
            return self.pending.pop(value.name) if value.name in self.pending and self.uses[value] == 1 else self.again(value.name)
        if isinstance(value, tuple):
            return f"({', '.join(map(self.read, value))}{',' if len(value) == 1 else ''})"
        return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else repr(value)

    def again(self, name: str) -> str:
        return self.pending.get(name) or self.names[name]

    def operand(self, value) -> str:
        """What stands beside an operator: in brackets where it is a sum itself."""
        text = self.read(value)
        return f"({text})" if _is_sum(text) else text

    def expression(self, node: Node) -> str:
        if node.name in self.calls:
            return f"{self.places[self.calls[node.name]]}({self.read(node.args[0])})"
        args, base = list(node.args), node.op.partition(".")[0]
        if node.op in INFIX and not node.kwargs:
            left, right = (self.operand(each) for each in args)
            return f"{left} {INFIX[node.op]} {right}"
        if node.op in FUNCTIONAL:
            return self.functional(node, base, args)
        if node.op in SPREAD:
            sizes = args[1] if isinstance(args[1], tuple) else (args[1],)
            return f"{self.operand(args[0])}.{SPREAD[node.op]}({', '.join(map(self.read, sizes))})"
        if node.op in METHODS:
            words = [self.short(each) for each in args[1:]]
            words += [f"{key}={self.read(value)}" for key, value in node.kwargs.items() if value is not None]
            return f"{self.operand(args[0])}.{METHODS[node.op]}({', '.join(words)})"
        return self.other(node, base, args)

    def functional(self, node: Node, base: str, args: list) -> str:
        args = args[: TAKEN.get(base, len(args))]
        if base == "batch_norm":  # torch's function has the statistics first
            args = [args[0], args[3], args[4], args[1], args[2]]
            node = Node(node.name, node.op, (), {"eps": node.args[7]})
        while args and args[-1] is None:
            args.pop()
        words = [self.read(args[0]), *map(self.short, args[1:])]
        words += [f"{key}={self.read(value)}" for key, value in node.kwargs.items() if value is not None]
        return f"F.{base}({', '.join(words)})"

    def short(self, value) -> str:
        """(2, 2) as 2."""
        if isinstance(value, tuple) and len(value) == 1 and not isinstance(value[0], Ref):
            return self.read(value[0])
        return self.read(value)

    def other(self, node: Node, base: str, args: list) -> str:
        if node.op in ("contiguous", "clone"):
            return self.read(args[0])
        if node.op == "mT":
            return f"{self.operand(args[0])}.mT"
        if node.op == "getitem":
            return f"{self.read(args[0])}[{args[1]}]"
        if node.op == "sym_size.int":
            return f"{self.read(args[0])}.shape[{args[1]}]"
        if node.op == "select.int":
            return f"{self.operand(args[0])}.select({args[1]}, {self.read(args[2])})"
        if node.op == "slice.Tensor":
            dim, start, end, step = (*args[1:], *(0, None, None, 1)[len(args) - 1 :])
            assert isinstance(dim, int)
            cut = ":".join("" if each in (None, usual) else self.read(each) for each, usual in ((start, 0), (end, None)))
            cut += f":{self.read(step)}" if step != 1 else ""
            if cut == ":":
                return self.read(args[0])
            return (
                f"{self.operand(args[0])}[{':, ' * dim}{cut}]" if dim >= 0 else f"{self.operand(args[0])}[..., {cut}{', :' * (-dim - 1)}]"
            )
        if node.op in ("cat", "stack"):
            parts = ", ".join(map(self.read, args[0]))
            return f"torch.{base}([{parts}]{f', {args[1]}' if len(args) > 1 else ''})"
        if node.op == "rsub.Scalar":
            return f"{self.operand(args[1])} - {self.operand(args[0])}"
        if node.op == "upsample_nearest2d.vec":
            word = f"size={self.read(args[1])}" if args[1] is not None else f"scale_factor={self.read(args[2])}"
            return f"F.interpolate({self.read(args[0])}, {word})"
        words = [*map(self.read, args), *(f"{key}={self.read(value)}" for key, value in node.kwargs.items() if value is not None)]
        return f"torch.{base}({', '.join(words)})"


def _is_sum(text: str) -> bool:
    """Whether an operator stands outside of all brackets."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if depth == 0 and char == " " and text[at + 1 : at + 2] in "+-*/@":
            return True
    return text.startswith("-")
