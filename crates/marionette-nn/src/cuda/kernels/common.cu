// What the other kernels share. All of them are one source text, this part first.

// Combines one value of every thread of a block, whose threads are a power of two, at most 1024; always in the same order.
template <typename Combine> __device__ float block_fold(float value, Combine combine) {
    __shared__ float parts[1024];
    __syncthreads();
    parts[threadIdx.x] = value;
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            parts[threadIdx.x] = combine(parts[threadIdx.x], parts[threadIdx.x + half]);
        }
    }
    __syncthreads();
    return parts[0];
}

struct Sum {
    __device__ float operator()(float a, float b) const { return a + b; }
};

struct Greatest {
    __device__ float operator()(float a, float b) const { return b > a ? b : a; }
};

__device__ float block_sum(float value) { return block_fold(value, Sum()); }

__device__ float block_greatest(float value) { return block_fold(value, Greatest()); }
