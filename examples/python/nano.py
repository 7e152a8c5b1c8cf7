"""`nano` in PyTorch, its tensors under the same names.

    from nano import load
    network = load("nano.safetensors")  # of `marionette export --format safetensors`
    logits = network(images)  # normalised images [B, 3, 64, 64] to logits [B, K, 16, 16]

The model card in the file's header has keypoints, normalisation and decoder; numpy_forward.py decodes.
"""
from safetensors.torch import load_file
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)).add_(x))


class Nano(nn.Module):
    size, stride = 64, 4

    def __init__(self, keypoints):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(Block(64) for _ in range(6)))
        self.head = nn.Conv2d(64, keypoints, 3, padding=1)

    def forward(self, x):  # normalised images [B, 3, 64, 64] to logits [B, K, 16, 16]
        return self.head(self.blocks(self.stem(x)))


def load(path):  # the network in a file of weights, ready to infer
    tensors = load_file(path)
    network = Nano(tensors["head.bias"].numel())
    network.load_state_dict(tensors, strict=True)
    return network.eval()
