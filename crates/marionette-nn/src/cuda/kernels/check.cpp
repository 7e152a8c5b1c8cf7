// Runs the kernels on the CPU, thread by thread, and compares them with what they stand for in f64, and gradients with finite
// differences. `scripts/check-cuda` compiles and runs it; it needs no GPU.

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
#include "common.cu"
#include "norm.cu"
#include "softmax.cu"
#include "optim.cu"

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

struct Norm {
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

static void check_norm(Norm c) {
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

static double divergence_of(const double *x, const float *target, unsigned cells) {
    double mass = 0, all = 0, sum = 0;
    for (unsigned i = 0; i < cells; i++) {
        mass += target[i], all += std::exp(x[i]);
    }
    for (unsigned i = 0; i < cells; i++) {
        double wanted = target[i] / mass;
        sum += wanted > 0 ? wanted * (std::log(wanted) - (x[i] - std::log(all))) : 0;
    }
    return mass > 0 ? sum : 0;
}

static void check_softmax(unsigned maps, unsigned cells, unsigned threads) {
    Values x = noise(maps * cells, -6, 6), target = noise(maps * cells, -1, 1), mass = noise(maps, 0, 2);
    Values dy = noise(maps, -1, 1), times(maps * cells), found(maps), dx(maps * cells);
    for (size_t i = 0; i < target.size(); i++) {
        // The first map's target is empty.
        target[i] = i < cells ? 0 : std::fmax(target[i], 0);
    }
    launch(maps, threads, [&] { softmax_times(x.data(), mass.data(), times.data(), cells); });
    launch(maps, threads, [&] { divergence(x.data(), target.data(), found.data(), cells); });
    launch(maps, threads, [&] { divergence_gradient(x.data(), target.data(), dy.data(), dx.data(), cells); });
    for (unsigned map = 0; map < maps; map++) {
        std::vector<double> here(x.begin() + map * cells, x.begin() + (map + 1) * cells);
        const float *wanted = target.data() + map * cells;
        double all = 0;
        for (double value : here) {
            all += std::exp(value);
        }
        expect("divergence", found[map], divergence_of(here.data(), wanted, cells), 1e-4);
        for (unsigned i = 0; i < cells; i++) {
            expect("softmax times mass", times[map * cells + i], mass[map] * std::exp(here[i]) / all, 1e-5);
            auto moved = [&](double by) {
                std::vector<double> other = here;
                other[i] += by;
                return dy[map] * divergence_of(other.data(), wanted, cells);
            };
            expect("its gradient", dx[map * cells + i], (moved(1e-4) - moved(-1e-4)) / 2e-4, 1e-4);
        }
    }
}

static void check_optimizer(unsigned values, unsigned threads) {
    Values value = noise(values, -1, 1), first = noise(values, -1, 1), second = noise(values, 0, 1);
    Values gradient = noise(values, -1, 1), decaying(values), learned(values);
    for (unsigned i = 0; i < values; i++) {
        decaying[i] = i % 2, learned[i] = i % 3 > 0;
    }
    Values before = value, mean = first, squares = second;
    unsigned blocks = (values + threads - 1) / threads;
    launch(blocks, threads, [&] { running_mean(mean.data(), gradient.data(), values, 0.9f, 0.1f, 0.5f, 0); });
    launch(blocks, threads, [&] { running_mean(squares.data(), gradient.data(), values, 0.99f, 0.01f, 0.5f, 1); });
    launch(blocks, threads, [&] {
        adamw(value.data(), mean.data(), squares.data(), decaying.data(), learned.data(), values, 0.1f, 2.0f, 1e-8f,
              0.8f);
    });
    for (unsigned i = 0; i < values; i++) {
        double g = 0.5 * gradient[i], m = 0.9 * first[i] + 0.1 * g, v = 0.99 * second[i] + 0.01 * g * g;
        expect("mean", mean[i], m, 1e-5);
        expect("mean of squares", squares[i], v, 1e-5);
        double step = i % 3 > 0 ? 0.1 * m / (std::sqrt(v) * 2 + 1e-8) : 0;
        expect("adamw", value[i], (i % 2 ? 0.8 : 1) * before[i] - step, 1e-4);
    }
}

int main() {
    for (bool plus : {false, true}) {
        for (bool relu : {false, true}) {
            check_norm({1, 1, 6, 4, plus, relu});
            check_norm({3, 5, 7, 8, plus, relu});
            check_norm({2, 3, 30, 16, plus, relu});
        }
    }
    check_softmax(3, 20, 8);
    check_softmax(2, 7, 16);
    check_optimizer(37, 8);
    std::puts("the kernels are right");
}
