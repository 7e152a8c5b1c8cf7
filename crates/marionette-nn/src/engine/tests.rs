use crate::{
    composed::{self, stock},
    engine::Engine,
    graph::{Builder, Conv, Interpolation, Layer, Map, MapSize},
    parameters::Parameters,
};
use candle_core::{DType, Device, Result, Tensor, Var};
use marionette_base::random;
use proptest::prelude::*;
use rand::Rng;
use std::sync::Arc;

/// A network, an input and a weight for every value of its result.
struct Case {
    graph: super::Graph,
    parameters: Parameters,
    x: Var,
}

fn values(name: &str, count: usize) -> Vec<f32> {
    let mut random = random::stream(1, 0, 0, name);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

impl Case {
    fn new(batch: usize, input: [usize; 3], layers: impl FnOnce(&mut Builder)) -> Result<Self> {
        let [channels, height, width] = input;
        let mut net = Builder::new(3, MapSize { channels, height, width });
        layers(&mut net);
        let (graph, parameters) = net.build(&Device::Cpu)?;
        // Norms and biases that do something, and running statistics that are none of a batch.
        let count = parameters.count();
        let start = parameters.values().to_vec1::<f32>()?;
        let moved: Vec<f32> =
            start.iter().zip(values("parameters", count)).map(|(a, b)| a + 0.3 * b).collect();
        parameters.values().set(&Tensor::from_vec(moved, count, &Device::Cpu)?)?;
        let buffers = parameters.buffer_values();
        let running = values("buffers", buffers.elem_count())
            .into_iter()
            .map(|value| value + 1.1)
            .collect::<Vec<_>>();
        buffers.set(&Tensor::from_vec(running, buffers.shape(), &Device::Cpu)?)?;
        let x = Var::from_vec(
            values("x", batch * graph.maps[0].len()),
            (batch, channels, height, width),
            &Device::Cpu,
        )?;
        Ok(Self { graph, parameters, x })
    }

    /// The result and the gradients of the input and of all parameters, of a weighted sum of the
    /// results.
    fn all_three(&self, y: Tensor) -> Result<[Vec<f32>; 3]> {
        let weight = Tensor::from_vec(values("dy", y.elem_count()), y.shape(), &Device::Cpu)?;
        let gradients = (&y * weight)?.sum_all()?.backward()?;
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let gradient = |variable: &Var| {
            gradients.get(variable).map_or_else(|| Ok(vec![0.0; variable.elem_count()]), values)
        };
        Ok([values(&y)?, gradient(&self.x)?, gradient(self.parameters.values())?])
    }

    fn engine(&self) -> Result<[Vec<f32>; 3]> {
        self.all_three(Engine::new(self.graph.clone()).train(&self.x, self.parameters.values())?.0)
    }

    fn composed(&self) -> Result<[Vec<f32>; 3]> {
        let graph = Arc::new(self.graph.clone());
        self.all_three(composed::train(&graph, &self.x, self.parameters.values())?.y)
    }

    fn stock(&self) -> Result<[Vec<f32>; 3]> {
        self.all_three(stock::forward(&self.graph, &self.x, self.parameters.values(), None)?.y)
    }

    /// The least and the greatest that candle finds for each of the three values, here and where
    /// the input is moved by a hundred-thousandth in eight directions and against each: more than
    /// rounding does. Where that takes something across a rectifier's kink the gradients of all
    /// that depends on it jump, and on which side the engine has it is as good as chance; elsewhere
    /// they hardly differ.
    fn stock_around(&self) -> Result<[[Vec<f32>; 2]; 3]> {
        let start = self.x.flatten_all()?.to_vec1::<f32>()?;
        let mut bounds = self.stock()?.map(|values| [values.clone(), values]);
        for (direction, sign) in
            (0..4).flat_map(|direction| [(direction, 1e-5), (direction, -1e-5)])
        {
            let by = values(&format!("direction {direction}"), start.len());
            let moved: Vec<f32> = start.iter().zip(by).map(|(x, by)| x + sign * by).collect();
            self.x.set(&Tensor::from_vec(moved, self.x.shape(), &Device::Cpu)?)?;
            for ([low, high], found) in bounds.iter_mut().zip(self.stock()?) {
                low.iter_mut().zip(&found).for_each(|(low, found)| *low = low.min(*found));
                high.iter_mut().zip(&found).for_each(|(high, found)| *high = high.max(*found));
            }
        }
        self.x.set(&Tensor::from_vec(start, self.x.shape(), &Device::Cpu)?)?;
        Ok(bounds)
    }

    /// The engine and the composed operation agree with candle's own operations in result,
    /// gradients, statistics and inference.
    fn agrees(&self) -> Result<()> {
        let rectified =
            self.graph.layers.iter().any(|layer| matches!(layer, Layer::Conv(conv) if conv.relu));
        let stock = self.stock()?;
        let around = if rectified {
            self.stock_around()?
        } else {
            stock.each_ref().map(|values| [values.clone(), values.clone()])
        };
        within(&self.engine()?, &around);
        within(&self.composed()?, &around);
        let (values, buffers) =
            (self.parameters.values().as_detached_tensor(), self.parameters.buffer_values());
        let engine = Engine::new(self.graph.clone());
        let graph = engine.graph();
        let (_, pass) = engine.train(&self.x, &values)?;
        let composed = composed::train(graph, &self.x, &values)?;
        let stock = stock::forward(graph, &self.x, &values, None)?;
        let found =
            [(pass.features(), pass.statistics()), (composed.features()?, composed.statistics)];
        for (features, statistics) in found {
            close("features", &features.values, &stock.features()?.values);
            assert_eq!(statistics.len(), stock.statistics.len());
            for (ours, stock) in statistics.iter().zip(&stock.statistics) {
                close("mean", &ours.mean, &stock.mean);
                close("variance", &ours.variance, &stock.variance);
            }
        }
        let flat = |tensor: Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let stock = stock::forward(graph, &self.x, &values, Some(buffers))?;
        let (inferred, pass) = engine.infer(&self.x, &values, buffers)?;
        let composed = composed::infer(graph, &self.x, &values, buffers)?;
        let (expected, composed_features) = (stock.features()?, composed.features()?);
        let expected_y = flat(stock.y)?;
        for (features, y) in [(pass.features(), inferred), (composed_features, composed.y)] {
            close("features", &features.values, &expected.values);
            close("inference", &flat(y)?, &expected_y);
        }
        Ok(())
    }

    /// The gradients of the engine and of the composed operation agree with finite differences in a
    /// few values of the input and of every parameter.
    fn slopes(&self) -> Result<()> {
        for pass in [Self::engine, Self::composed] {
            let [y, dx, dw] = pass(self)?;
            let weight = values("dy", y.len());
            let loss = || -> Result<f64> {
                let [y, ..] = pass(self)?;
                let pairs = y.iter().zip(&weight);
                Ok(pairs.map(|(y, weight)| f64::from(*y) * f64::from(*weight)).sum())
            };
            for (variable, gradient) in [(&self.x, dx), (self.parameters.values(), dw)] {
                let start = variable.flatten_all()?.to_vec1::<f32>()?;
                let scale = gradient.iter().fold(1.0f32, |most, value| most.max(value.abs()));
                for i in (0..start.len()).step_by(start.len().div_ceil(40).max(1)) {
                    let shifted = |by: f32| {
                        let mut values = start.clone();
                        values[i] += by;
                        variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
                        loss()
                    };
                    const STEP: f32 = 4e-3;
                    let slope = ((shifted(STEP)? - shifted(-STEP)?) / f64::from(2.0 * STEP)) as f32;
                    shifted(0.0)?;
                    let found = gradient[i];
                    assert!((slope - found).abs() < 3e-3 * scale, "{i}: {slope} {found}");
                }
            }
        }
        Ok(())
    }
}

/// To 1e-4 of the greatest value, the scale on which sums of many products are right.
fn close(what: &str, ours: &[f32], stock: &[f32]) {
    assert_eq!(ours.len(), stock.len(), "{what}");
    let scale = stock.iter().fold(1.0f32, |most, value| most.max(value.abs()));
    for (ours, stock) in ours.iter().zip(stock) {
        assert!((ours - stock).abs() < 1e-4 * scale, "{what}: {ours} {stock}, of at most {scale}");
    }
}

/// A network's result and both gradients are between the bounds, or close to them.
fn within(found: &[Vec<f32>; 3], bounds: &[[Vec<f32>; 2]; 3]) {
    for ((what, found), [low, high]) in ["y", "dx", "dw"].into_iter().zip(found).zip(bounds) {
        let bounds = low.iter().zip(high);
        let nearest: Vec<f32> =
            found.iter().zip(bounds).map(|(found, (low, high))| found.clamp(*low, *high)).collect();
        close(what, found, &nearest);
    }
}

fn add(net: &mut Builder, conv: Conv) {
    net.conv(net.input(), conv).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_match_candle(
        batch in 1usize..7,
        (inputs, outputs, groups) in prop_oneof![
            (1usize..6, 1usize..6, Just(1usize)),
            (1usize..4, 1usize..4, 2usize..4),
            (Just(1usize), Just(1usize), 2usize..20),
        ],
        side in 1usize..20,
        kernel in 1usize..8,
        stride in 1usize..4,
        dilation in 1usize..3,
        padding in 0usize..4,
    ) {
        let reach = dilation * (kernel - 1) + 1;
        prop_assume!(reach <= side + 2 * padding);
        // candle's own input gradient cannot do more padding than the kernel covers; finite
        // differences test that.
        prop_assume!(padding < reach);
        let conv = Conv::new("conv", outputs * groups, kernel)
            .stride(stride).dilation(dilation).padding(padding).groups(groups).bias();
        Case::new(batch, [inputs * groups, side, side], |net| add(net, conv)).unwrap().agrees().unwrap();
    }

    #[test]
    fn convolutions_with_few_multiplications_match_candle(
        batch in 1usize..7,
        inputs in 1usize..4,
        outputs in 1usize..4,
        height in 4usize..20,
        width in 4usize..20,
        padding in 0usize..3,
    ) {
        let conv = Conv::new("conv", 16 * outputs, 3).padding(padding);
        Case::new(batch, [16 * inputs, height, width], |net| add(net, conv)).unwrap().agrees().unwrap();
    }

    #[test]
    fn transposed_convolutions_match_candle(
        batch in 1usize..4,
        inputs in 1usize..5,
        outputs in 1usize..5,
        groups in 1usize..3,
        side in 1usize..9,
        kernel in 1usize..6,
        stride in 1usize..4,
        padding in 0usize..3,
    ) {
        prop_assume!((side - 1) * stride + kernel > 2 * padding);
        // candle pads the gradient of the input by the padding alone.
        prop_assume!(padding < kernel);
        let conv = Conv::transposed("conv", outputs * groups, kernel, stride, padding).groups(groups).bias();
        Case::new(batch, [inputs * groups, side, side], |net| add(net, conv)).unwrap().agrees().unwrap();
    }

    #[test]
    fn norms_shortcuts_and_rectifiers_match_candle(
        batch in 1usize..5,
        channels in 1usize..40,
        side in 2usize..12,
        relu in any::<bool>(),
        transposed in any::<bool>(),
    ) {
        Case::new(batch, [channels, side, side], |net| {
            let input = net.input();
            let first = net.conv(input, Conv::new("a", channels, 3).norm("an").relu()).unwrap();
            let conv = if transposed { Conv::transposed("b", channels, 3, 1, 1) } else { Conv::new("b", channels, 1) };
            let conv = conv.norm("bn").plus(input);
            let second = net.conv(first, if relu { conv.relu() } else { conv }).unwrap();
            net.conv(second, Conv::new("c", 3, 3)).unwrap();
        }).unwrap().agrees().unwrap();
    }

    #[test]
    fn pooling_and_upsampling_match_candle(
        batch in 1usize..4,
        channels in 1usize..20,
        side in 3usize..10,
        (max, kernel, stride, padding) in (any::<bool>(), 1usize..4, 1usize..4, 0usize..2),
        (factor, bilinear) in (1usize..4, any::<bool>()),
    ) {
        prop_assume!(2 * padding <= kernel);
        let interpolation = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
        Case::new(batch, [channels, side, side], |net| {
            let pooled = net.pool(net.input(), max, kernel, stride, padding).unwrap();
            net.resize(pooled, factor, interpolation);
        }).unwrap().agrees().unwrap();
    }
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    let conv = |input: [usize; 3], conv: Conv| Case::new(2, input, |net| add(net, conv))?.slopes();
    // Leftover rows and columns, several groups, dilation, padding beyond the kernel, Winograd's
    // shapes, transposed.
    conv([2, 7, 9], Conv::new("c", 3, 3).stride(2).bias())?;
    conv([4, 8, 7], Conv::new("c", 6, 3).stride(3).groups(2).dilation(2).padding(2))?;
    conv([5, 6, 5], Conv::new("c", 5, 4).groups(5))?;
    conv([2, 4, 5], Conv::new("c", 1, 1).padding(2))?;
    conv([16, 9, 6], Conv::new("c", 16, 3).padding(2))?;
    conv([3, 5, 4], Conv::transposed("c", 2, 4, 2, 1).bias())?;
    // Rectifiers have a kink, at which a difference is no slope; the comparison with candle tests
    // them.
    conv([32, 5, 4], Conv::new("c", 16, 3).norm("n"))?;
    let pooled = |max| {
        Case::new(2, [3, 7, 6], |net| {
            let pooled = net.pool(net.input(), max, 3, 2, 1).unwrap();
            net.resize(pooled, 2, Interpolation::Bilinear);
        })
    };
    pooled(true)?.slopes()?;
    pooled(false)?.slopes()?;
    Case::new(2, [3, 4, 5], |net| {
        net.resize(net.input(), 3, Interpolation::Nearest);
    })?
    .slopes()
}

/// A small residual network with a bit of everything.
fn mixed() -> Result<Case> {
    Case::new(9, [3, 20, 20], |net| {
        let conv = |net: &mut Builder, x: Map, conv: Conv| net.conv(x, conv).unwrap();
        let x = conv(net, net.input(), Conv::new("a", 16, 7).stride(2).norm("an").relu());
        let x = net.pool(x, true, 3, 2, 1).unwrap();
        let inner = conv(net, x, Conv::new("b", 16, 3).norm("bn").relu());
        let x = conv(net, inner, Conv::new("c", 16, 3).norm("cn").plus(x).relu());
        let up = conv(net, x, Conv::transposed("d", 16, 4, 2, 1).norm("dn").relu());
        conv(net, up, Conv::head("e", 5, 3));
    })
}

/// The engine agrees with candle, and its results have the same bits on one, two, three and five
/// threads.
fn agrees_on_any_number_of_threads(case: &Case) -> Result<()> {
    case.agrees()?;
    let run = |threads| -> Result<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(candle_core::Error::wrap)?;
        Ok(pool.install(|| case.engine())?.concat().into_iter().map(f32::to_bits).collect())
    };
    let alone = run(1)?;
    for threads in [2, 3, 5] {
        assert!(alone == run(threads)?, "{threads} threads");
    }
    Ok(())
}

#[test]
fn a_whole_network_agrees_and_has_the_same_bits_for_any_number_of_threads() -> Result<()> {
    agrees_on_any_number_of_threads(&mixed()?)
}

/// Weights that are too large for sums in parts, more tiles than are transformed at once, and
/// products of few rows and many columns.
#[test]
fn many_channels_agree_and_have_the_same_bits_for_any_number_of_threads() -> Result<()> {
    let case = Case::new(9, [112, 16, 16], |net| {
        let conv = |net: &mut Builder, x: Map, conv: Conv| net.conv(x, conv).unwrap();
        let x = conv(net, net.input(), Conv::new("a", 112, 3));
        let x = conv(net, x, Conv::new("b", 240, 4).stride(2).padding(1));
        conv(net, x, Conv::transposed("c", 16, 4, 2, 1));
    })?;
    agrees_on_any_number_of_threads(&case)
}

/// On the first CUDA device, without which it fails: `scripts/gpu-round` runs it where there is one.
#[cfg(feature = "cuda")]
#[test]
fn a_card_finds_what_the_processor_finds() -> Result<()> {
    let card = Device::new_cuda(0)?;
    let case = mixed()?;
    let graph = Arc::new(case.graph.clone());
    let x = Var::from_tensor(&case.x.to_device(&card)?)?;
    let values = Var::from_tensor(&case.parameters.values().to_device(&card)?)?;
    let buffers = case.parameters.buffer_values().to_device(&card)?;
    let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();

    let trained = composed::train(&graph, &x, &values)?;
    let engine = Engine::new(case.graph.clone());
    let (_, pass) = engine.train(&case.x, case.parameters.values())?;
    for (ours, expected) in trained.statistics.iter().zip(&pass.statistics()) {
        close("mean", &ours.mean, &expected.mean);
        close("variance", &ours.variance, &expected.variance);
    }
    let weight =
        Tensor::from_vec(self::values("dy", trained.y.elem_count()), trained.y.shape(), &card)?;
    let gradients = (&trained.y * weight)?.sum_all()?.backward()?;
    let gradient = |variable: &Var| {
        gradients.get(variable).map_or_else(|| candle_core::bail!("no gradient"), flat)
    };
    let around = case.stock_around()?;
    let found = [flat(&trained.y)?, gradient(&x)?, gradient(&values)?];
    within(&found, &around);
    let inferred = composed::infer(&graph, &x, &values, &buffers)?.y;
    let (expected, _) =
        engine.infer(&case.x, case.parameters.values(), case.parameters.buffer_values())?;
    close("inference", &flat(&inferred)?, &flat(&expected)?);
    Ok(())
}

#[test]
fn memory_that_was_used_before_changes_nothing() -> Result<()> {
    let case = mixed()?;
    let engine = Engine::new(case.graph.clone());
    let fresh = case.engine()?;
    // Another batch size in between, a pass that is given up, and two passes that live at once.
    let other = case.x.narrow(0, 0, 4)?.contiguous()?;
    drop(engine.train(&other, case.parameters.values())?);
    engine.infer(&other, case.parameters.values(), case.parameters.buffer_values())?;
    let (first, _) = engine.train(&case.x, case.parameters.values())?;
    let (second, _) = engine.train(&other, case.parameters.values())?;
    assert_eq!(case.all_three(first)?, fresh);
    drop(second);
    assert_eq!(case.all_three(engine.train(&case.x, case.parameters.values())?.0)?, fresh);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let case = mixed()?;
    let engine = Engine::new(case.graph.clone());
    let error = |x: Tensor| {
        engine.train(&x, case.parameters.values()).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let found = error(Tensor::zeros((2, 3, 20, 16), DType::F32, &Device::Cpu)?);
    assert!(found.contains("expected images [B, 3, 20, 20], found [2, 3, 20, 16]"), "{found}");
    assert!(!error(Tensor::zeros((0, 3, 20, 20), DType::F32, &Device::Cpu)?).is_empty());
    assert!(!error(Tensor::zeros((2, 3, 20, 20), DType::F64, &Device::Cpu)?).is_empty());

    let mut net = Builder::new(1, MapSize { channels: 4, height: 8, width: 8 });
    let input = net.input();
    for conv in [
        Conv::new("c", 4, 9).padding(0),
        Conv::new("c", 4, 3).stride(0),
        Conv::new("c", 4, 3).groups(3),
        Conv::new("c", 4, 3).stride(2).plus(input),
        Conv::transposed("c", 4, 2, 1, 9),
        Conv::new("c", 4, 3).bias().norm("n"),
    ] {
        assert!(net.conv(input, conv).is_err());
    }
    assert!(net.pool(input, true, 3, 1, 2).is_err() && net.pool(input, true, 9, 1, 0).is_err());
    Ok(())
}
