// Batch norm with the shortcut and the rectifier that follow it, on maps [B, C, h, w] of f32. `plane` is h times w. In
// `moments` are C means, then C variances; in `affine` C factors, then C summands; in `sums` their gradients: C sums of the
// gradient's product with the normalised values, then C of the gradient.

#define EPSILON 1e-5f

// Where value `index` of one channel lies among all.
__device__ unsigned long long place(unsigned index, unsigned channel, unsigned channels, unsigned plane) {
    unsigned image = index / plane;
    return ((unsigned long long)image * channels + channel) * plane + (index - image * plane);
}

// A block for every channel.
extern "C" __global__ void norm_moments(
    const float *x, float *moments, unsigned batch, unsigned channels, unsigned plane) {
    unsigned channel = blockIdx.x, count = batch * plane;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        sum += x[place(i, channel, channels, plane)];
    }
    float mean = block_sum(sum) / count;
    float squares = 0.0f;
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        float deviation = x[place(i, channel, channels, plane)] - mean;
        squares += deviation * deviation;
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        moments[channel] = mean;
        moments[channels + channel] = squares / count;
    }
}

// A thread for every value. With `plus` the shortcut is added.
extern "C" __global__ void norm_apply(
    const float *x, const float *moments, const float *affine, const float *shortcut, float *y, unsigned long long values,
    unsigned channels, unsigned plane, unsigned plus, unsigned relu) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= values) {
        return;
    }
    unsigned channel = (i / plane) % channels;
    float inverse = 1.0f / sqrtf(moments[channels + channel] + EPSILON);
    float value = (x[i] - moments[channel]) * (affine[channel] * inverse) + affine[channels + channel];
    if (plus) {
        value += shortcut[i];
    }
    y[i] = relu && value < 0.0f ? 0.0f : value;
}

// A block for every channel. With `relu` the gradient counts where the result `y` is positive.
extern "C" __global__ void norm_sums(
    const float *gradient, const float *y, const float *x, const float *moments, float *sums, unsigned batch,
    unsigned channels, unsigned plane, unsigned relu) {
    unsigned channel = blockIdx.x, count = batch * plane;
    float mean = moments[channel], inverse = 1.0f / sqrtf(moments[channels + channel] + EPSILON);
    float total = 0.0f, product = 0.0f;
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        unsigned long long at = place(i, channel, channels, plane);
        if (!relu || y[at] > 0.0f) {
            total += gradient[at];
            product += gradient[at] * ((x[at] - mean) * inverse);
        }
    }
    total = block_sum(total);
    product = block_sum(product);
    if (threadIdx.x == 0) {
        sums[channel] = product;
        sums[channels + channel] = total;
    }
}

// A thread for every value: the gradient that counts, and the gradient of x.
extern "C" __global__ void norm_gradient(
    const float *gradient, const float *y, const float *x, const float *moments, const float *affine, const float *sums,
    float *counting, float *dx, unsigned long long values, unsigned batch, unsigned channels, unsigned plane,
    unsigned relu) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= values) {
        return;
    }
    unsigned channel = (i / plane) % channels;
    float count = (float)batch * plane, inverse = 1.0f / sqrtf(moments[channels + channel] + EPSILON);
    float g = relu && !(y[i] > 0.0f) ? 0.0f : gradient[i];
    float normalised = (x[i] - moments[channel]) * inverse;
    counting[i] = g;
    dx[i] = affine[channel] * inverse * (g - sums[channels + channel] / count - normalised * (sums[channel] / count));
}
