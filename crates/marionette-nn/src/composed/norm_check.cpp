// Runs the kernels of norm.cu on the CPU, thread by thread, and compares them with batch norm in f64. A gradient is compared
// with finite differences. `scripts/check-cuda` compiles and runs it; it needs no GPU.

#include <barrier>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

struct Index {
    unsigned x;
};
thread_local Index threadIdx, blockIdx;
Index blockDim;
std::unique_ptr<std::barrier<>> meeting;

#define __global__
#define __device__
#define __shared__ static
#define __syncthreads() meeting->arrive_and_wait()
#include "norm.cu"

static void launch(unsigned blocks, unsigned threads, const std::function<void()> &kernel) {
    blockDim.x = threads;
    for (unsigned block = 0; block < blocks; block++) {
        meeting = std::make_unique<std::barrier<>>(threads);
        std::vector<std::thread> running;
        for (unsigned thread = 0; thread < threads; thread++) {
            running.emplace_back([=, &kernel] {
                blockIdx.x = block;
                threadIdx.x = thread;
                kernel();
                meeting->arrive_and_drop();
            });
        }
        for (std::thread &thread : running) {
            thread.join();
        }
    }
}

using Values = std::vector<float>;
static std::mt19937 random_bits(1);

static Values noise(size_t count, float low, float high) {
    std::uniform_real_distribution<float> between(low, high);
    Values values(count);
    for (float &value : values) {
        value = between(random_bits);
    }
    return values;
}

struct Case {
    unsigned batch, channels, plane, threads;
    bool plus, relu;
    Values x, affine, shortcut, gradient;

    size_t values() const { return (size_t)batch * channels * plane; }

    double normalised(const std::vector<double> &x, size_t i) const {
        unsigned channel = (i / plane) % channels;
        double mean = 0, variance = 0, count = (double)batch * plane;
        for (size_t k = 0; k < values(); k++) {
            mean += (k / plane) % channels == channel ? x[k] / count : 0;
        }
        for (size_t k = 0; k < values(); k++) {
            variance += (k / plane) % channels == channel ? (x[k] - mean) * (x[k] - mean) / count : 0;
        }
        return (x[i] - mean) / std::sqrt(variance + 1e-5);
    }

    // The result before the rectifier.
    double result(const std::vector<double> &x, size_t i) const {
        unsigned channel = (i / plane) % channels;
        return normalised(x, i) * affine[channel] + affine[channels + channel] + (plus ? shortcut[i] : 0);
    }
};

static void expect(const char *what, double found, double expected, double tolerance) {
    if (!(std::abs(found - expected) <= tolerance * (1 + std::abs(expected)))) {
        std::printf("%s: expected %g, found %g\n", what, expected, found);
        std::exit(1);
    }
}

static void check(Case c) {
    size_t values = c.values();
    c.x = noise(values, -1, 3), c.affine = noise(2 * c.channels, -1, 1);
    c.shortcut = noise(values, -1, 1), c.gradient = noise(values, -1, 1);
    unsigned blocks = (values + c.threads - 1) / c.threads;
    Values moments(2 * c.channels), y(values), sums(2 * c.channels), counting(values), dx(values);
    launch(c.channels, c.threads, [&] { norm_moments(c.x.data(), moments.data(), c.batch, c.channels, c.plane); });
    launch(blocks, c.threads, [&] {
        norm_apply(c.x.data(), moments.data(), c.affine.data(), c.shortcut.data(), y.data(), values, c.channels, c.plane,
                   c.plus, c.relu);
    });
    launch(c.channels, c.threads, [&] {
        norm_sums(c.gradient.data(), y.data(), c.x.data(), moments.data(), sums.data(), c.batch, c.channels, c.plane,
                  c.relu);
    });
    launch(blocks, c.threads, [&] {
        norm_gradient(c.gradient.data(), y.data(), c.x.data(), moments.data(), c.affine.data(), sums.data(),
                      counting.data(), dx.data(), values, c.batch, c.channels, c.plane, c.relu);
    });

    std::vector<double> x(c.x.begin(), c.x.end()), masked(values), dweight(c.channels), dbias(c.channels);
    for (size_t i = 0; i < values; i++) {
        double expected = c.result(x, i);
        expect("y", y[i], c.relu ? std::fmax(expected, 0) : expected, 1e-4);
        masked[i] = c.relu && !(y[i] > 0) ? 0 : c.gradient[i];
        expect("counting", counting[i], masked[i], 0);
        unsigned channel = (i / c.plane) % c.channels;
        dweight[channel] += masked[i] * c.normalised(x, i);
        dbias[channel] += masked[i];
    }
    for (unsigned channel = 0; channel < c.channels; channel++) {
        expect("dweight", sums[channel], dweight[channel], 1e-3);
        expect("dbias", sums[c.channels + channel], dbias[channel], 1e-3);
    }
    // The gradient of x: the slope of the sum of all results, weighted by the gradient that counts.
    for (size_t k = 0; k < values; k += values / 7 + 1) {
        auto weighted = [&](double by) {
            std::vector<double> moved = x;
            moved[k] += by;
            double sum = 0;
            for (size_t i = 0; i < values; i++) {
                sum += masked[i] == 0 ? 0 : masked[i] * c.result(moved, i);
            }
            return sum;
        };
        expect("dx", dx[k], (weighted(1e-4) - weighted(-1e-4)) / 2e-4, 1e-3);
    }
}

int main() {
    for (bool plus : {false, true}) {
        for (bool relu : {false, true}) {
            check({1, 1, 6, 4, plus, relu});
            check({3, 5, 7, 8, plus, relu});
            check({2, 3, 30, 16, plus, relu});
        }
    }
    std::puts("the kernels of norm.cu are right");
}
