//! The sizes of a convolution.

/// A convolution with square kernels on maps in channels-last order: an image is `height` x `width`
/// x channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Side of a kernel.
    pub kernel: usize,
    /// From one place of the kernel to the next.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// From one value of the kernel to the next.
    pub dilation: usize,
    /// Channels are convolved in this many groups, each on its own.
    pub groups: usize,
}

/// Why a layer cannot be built: its sizes do not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

impl ShapeError {
    /// A map cannot be added to another.
    pub(crate) fn shortcut(
        name: &str,
        expected: &impl std::fmt::Debug,
        found: &impl std::fmt::Debug,
    ) -> Self {
        Self(format!("{name}: expected a shortcut of {expected:?}, found {found:?}"))
    }

    /// A bias before a norm.
    pub(crate) fn useless_bias(name: &str) -> Self {
        Self(format!("{name}: a bias before a norm has no effect; leave it out"))
    }

    /// A window does not fit.
    pub(crate) fn pool(shape: &impl std::fmt::Debug) -> Self {
        Self(format!(
            "a pooling needs windows that fit the map and a border of half of one at most, found \
             {shape:?}"
        ))
    }
}

impl ConvShape {
    /// The convolution whose input gradient maps `self`'s input to its outputs:
    /// [`ConvShape::height`] of the result is what the transposed convolution makes.
    ///
    /// # Errors
    /// If a size is zero or nothing would be left.
    pub fn transposed(self) -> Result<Self, ShapeError> {
        let Self { inputs, outputs, height, width, kernel, stride, padding, dilation, .. } = self;
        if [inputs, outputs, height, width, kernel, stride, dilation].contains(&0) {
            return Err(ShapeError(format!(
                "a convolution needs sizes above zero, found {self:?}"
            )));
        }
        let size = |size: usize| {
            ((size - 1) * stride + dilation * (kernel - 1) + 1).saturating_sub(2 * padding)
        };
        Self { inputs: outputs, outputs: inputs, height: size(height), width: size(width), ..self }
            .check()
    }

    /// [outputs, inputs / groups, kernel, kernel].
    pub fn weight_dims(&self) -> [usize; 4] {
        [self.outputs, self.group_inputs(), self.kernel, self.kernel]
    }

    /// This shape, if there can be such a convolution.
    ///
    /// # Errors
    /// If a size is zero, the kernel is larger than the padded input, or the groups do not divide
    /// the channels.
    pub fn check(self) -> Result<Self, ShapeError> {
        let Self { inputs, outputs, height, width, kernel, stride, dilation, groups, padding } =
            self;
        if [inputs, outputs, height, width, kernel, stride, dilation, groups].contains(&0) {
            return Err(ShapeError(format!(
                "a convolution needs sizes above zero, found {self:?}"
            )));
        }
        if !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            return Err(ShapeError(format!(
                "expected channels that {groups} groups divide, found {inputs} in and {outputs} \
                 out"
            )));
        }
        let reach = dilation * (kernel - 1) + 1;
        if reach > height.min(width) + 2 * padding {
            return Err(ShapeError(format!(
                "a kernel that spans {reach} pixels does not fit an input of {height}x{width} \
                 with padding {padding}"
            )));
        }
        Ok(self)
    }

    /// Height of the output.
    pub fn out_height(&self) -> usize {
        self.out(self.height)
    }

    /// Width of the output.
    pub fn out_width(&self) -> usize {
        self.out(self.width)
    }

    fn out(&self, size: usize) -> usize {
        (size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) / self.stride + 1
    }

    /// Values of one input image.
    pub fn in_len(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Values of one output image.
    pub fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.outputs
    }

    /// Values of the weight, [outputs, inputs / groups, kernel, kernel].
    pub fn weight_len(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.kernel * self.kernel
    }

    /// Input channels of one group.
    pub fn group_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    /// Output channels of one group.
    pub fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Whether every channel is convolved alone.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.inputs && self.groups == self.outputs
    }
}
