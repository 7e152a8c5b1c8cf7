// The optimizer's steps. A thread for every value.

// mean = kept * mean + fresh * g, g being `factor` times the gradient, with `square` the square of that.
extern "C" __global__ void running_mean(
    float *mean, const float *gradient, unsigned long long values, float kept, float fresh, float factor, unsigned square) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= values) {
        return;
    }
    float g = gradient[i] * factor;
    mean[i] = kept * mean[i] + fresh * (square ? g * g : g);
}

// value = kept * value - rate * first / (sqrt(second) * deviation + epsilon); the first product where `decaying` is 1, the
// difference where `learned` is.
extern "C" __global__ void adamw(
    float *value, const float *first, const float *second, const float *decaying, const float *learned,
    unsigned long long values, float rate, float deviation, float epsilon, float kept) {
    unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= values) {
        return;
    }
    float left = decaying[i] != 0.0f ? kept * value[i] : value[i];
    value[i] = learned[i] != 0.0f ? left - rate * first[i] / (sqrtf(second[i]) * deviation + epsilon) : left;
}
