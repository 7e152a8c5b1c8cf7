"""`small` and `base` in PyTorch, their tensors under the same names.

    from small import load
    network = load("small.safetensors")  # of `marionette export --format safetensors`
    logits = network(images)  # normalised images [B, 3, 128, 128] to logits [B, K, 32, 32]

The model card in the file's header has keypoints, normalisation and decoder; numpy_forward.py decodes.
"""
from collections import OrderedDict

from safetensors.torch import load_file
from torch import nn


def blur(channels):
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, blurred):
        super().__init__()
        self.blur = blur(inputs) if blurred and stride != 1 else None
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        x = x if self.blur is None else self.blur(x)
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)).add_(shortcut))


def layer(inputs, outputs, stride, blurred):
    return nn.Sequential(BasicBlock(inputs, outputs, stride, blurred), BasicBlock(outputs, outputs, 1, blurred))


class Up(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x, skipped):
        return self.relu(self.bn(self.conv(x)).add_(skipped))


class Small(nn.Module):
    size, stride = 128, 4

    def __init__(self, keypoints, blurred=False):  # blurred: `base`, which blurs maps before it halves them
        super().__init__()
        stem = [
            ("0", nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False)),
            ("1", nn.BatchNorm2d(32)),
            ("2", nn.ReLU(inplace=True)),
            ("3", nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False)),
            ("4", nn.BatchNorm2d(64)),
            ("5", nn.ReLU(inplace=True)),
        ]
        if blurred:
            stem.insert(3, ("blur", blur(32)))
        self.stem = nn.Sequential(OrderedDict(stem))
        self.layer1 = layer(64, 64, 1, blurred)
        self.layer2 = layer(64, 128, 2, blurred)
        self.layer3 = layer(128, 256, 2, blurred)
        self.up1 = Up(256, 128)
        self.up2 = Up(128, 64)
        self.head = nn.Conv2d(64, keypoints, 3, padding=1)

    def forward(self, x):  # normalised images [B, 3, 128, 128] to logits [B, K, 32, 32]
        one = self.layer1(self.stem(x))
        two = self.layer2(one)
        return self.head(self.up2(self.up1(self.layer3(two), two), one))


def load(path):  # the network in a file of weights, ready to infer
    tensors = load_file(path)
    network = Small(tensors["head.bias"].numel(), blurred="stem.blur.weight" in tensors)
    network.load_state_dict(tensors, strict=True)
    return network.eval()
