// Softmax over the cells of heatmaps. A block for every map of `cells` values.

// ln of the sum of e to the power of every value of a map.
__device__ float log_sum(const float *map, unsigned cells) {
    float greatest = map[0], sum = 0.0f;
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        greatest = map[i] > greatest ? map[i] : greatest;
    }
    greatest = block_greatest(greatest);
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        sum += expf(map[i] - greatest);
    }
    return logf(block_sum(sum)) + greatest;
}

__device__ float map_sum(const float *map, unsigned cells) {
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        sum += map[i];
    }
    return block_sum(sum);
}

// `mass`, one per map, times softmax.
extern "C" __global__ void softmax_times(const float *x, const float *mass, float *y, unsigned cells) {
    unsigned long long start = (unsigned long long)blockIdx.x * cells;
    float all = log_sum(x + start, cells);
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        y[start + i] = mass[blockIdx.x] * expf(x[start + i] - all);
    }
}

// The divergence of softmax from the target over its sum; 0 where the target is empty, not a number where it holds one.
extern "C" __global__ void divergence(const float *x, const float *target, float *result, unsigned cells) {
    unsigned long long start = (unsigned long long)blockIdx.x * cells;
    float mass = map_sum(target + start, cells), all = log_sum(x + start, cells), sum = 0.0f;
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        float wanted = target[start + i];
        sum += wanted * (all - x[start + i]) + (wanted > 0.0f ? wanted * logf(wanted) : 0.0f);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        result[blockIdx.x] = mass <= 0.0f ? 0.0f : sum / mass - logf(mass);
    }
}

// The gradient of the divergence by x.
extern "C" __global__ void divergence_gradient(
    const float *x, const float *target, const float *dy, float *dx, unsigned cells) {
    unsigned long long start = (unsigned long long)blockIdx.x * cells;
    float mass = map_sum(target + start, cells), all = log_sum(x + start, cells), by = dy[blockIdx.x];
    bool counts = !(mass <= 0.0f || by == 0.0f);
    for (unsigned i = threadIdx.x; i < cells; i += blockDim.x) {
        dx[start + i] = counts ? by * expf(x[start + i] - all) - by / mass * target[start + i] : 0.0f;
    }
}
