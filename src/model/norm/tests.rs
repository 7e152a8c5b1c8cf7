use super::*;
use crate::{
    model::{Parameters, layers::BatchNorm as Layer},
    random,
};
use candle_core::{Device, Var};
use rand::Rng;

const SHAPE: [usize; 4] = [5, 3, 3, 7];

fn variable(name: &str, shape: &[usize]) -> Result<Var> {
    let mut random = random::stream(1, 0, 0, name);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.random_range(-1.0..2.0)).collect();
    Var::from_vec(values, shape, &Device::Cpu)
}

fn inputs(shape: &[usize; 4]) -> Result<[Var; 3]> {
    Ok([variable("x", shape)?, variable("gamma", &shape[1..2])?, variable("beta", &shape[1..2])?])
}

fn running() -> ChannelStatistics {
    ChannelStatistics { mean: vec![0.1, -0.2, 0.3], variance: vec![0.5, 1.0, 2.0], count: 0 }
}

type Normalise = fn(&Tensor, &Tensor, &Tensor, &ChannelStatistics, Source, bool) -> Result<Tensor>;

fn apply(normalise: Normalise, [x, gamma, beta]: &[Var; 3], source: Source, relu: bool) -> Result<Tensor> {
    let statistics = match source {
        Source::Batch => channel_statistics(x)?,
        Source::Running => running(),
    };
    normalise(x, gamma, beta, &statistics, source, relu)
}

/// The output and the three gradients of a weighted sum of the outputs, flattened.
fn all_four(normalise: Normalise, inputs: &[Var; 3], source: Source, relu: bool) -> Result<Vec<Vec<f32>>> {
    let y = apply(normalise, inputs, source, relu)?;
    let gradients = (&y * variable("dy", y.dims())?.as_tensor())?.sum_all()?.backward()?;
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let gradient = |variable: &Var| gradients.get(variable).map_or_else(|| Ok(Vec::new()), values);
    std::iter::once(values(&y)).chain(inputs.iter().map(gradient)).collect()
}

#[test]
fn output_and_gradients_match_candles_own_operations() -> Result<()> {
    for source in [Source::Batch, Source::Running] {
        for relu in [false, true] {
            let inputs = inputs(&SHAPE)?;
            let ours = all_four(batch_norm, &inputs, source, relu)?;
            let composed = all_four(composed, &inputs, source, relu)?;
            for (what, (ours, composed)) in ["y", "dx", "dgamma", "dbeta"].iter().zip(ours.iter().zip(&composed)) {
                assert_eq!(ours.len(), composed.len());
                for (ours, composed) in ours.iter().zip(composed) {
                    assert!((ours - composed).abs() < 2e-5, "{source:?} {relu} {what}: {ours} {composed}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn statistics_and_output_match_a_plain_reference() -> Result<()> {
    let inputs = inputs(&SHAPE)?;
    let statistics = channel_statistics(&inputs[0])?;
    let composed = composed_statistics(&inputs[0], statistics.count)?;
    for (ours, composed) in [(&statistics.mean, composed.mean), (&statistics.variance, composed.variance)] {
        assert!(ours.iter().zip(composed).all(|(ours, composed)| (ours - composed).abs() < 1e-6));
    }
    let [x, y] = [inputs[0].as_tensor().clone(), apply(batch_norm, &inputs, Source::Batch, false)?];
    for channel in 0..SHAPE[1] {
        let plain = |t: &Tensor| t.narrow(1, channel, 1)?.contiguous()?.flatten_all()?.to_vec1::<f32>();
        let (x, y) = (plain(&x)?, plain(&y)?);
        let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / x.len() as f64;
        assert!((f64::from(statistics.mean[channel]) - mean).abs() < 1e-6);
        assert!((f64::from(statistics.variance[channel]) - variance).abs() < 1e-6);
        let (gamma, beta) = (inputs[1].to_vec1::<f32>()?[channel], inputs[2].to_vec1::<f32>()?[channel]);
        for (x, y) in x.iter().zip(y) {
            let expected = (f64::from(*x) - mean) / (variance + 1e-5).sqrt() * f64::from(gamma) + f64::from(beta);
            assert!((f64::from(y) - expected).abs() < 1e-5);
        }
    }
    Ok(())
}

#[test]
fn gradients_match_finite_differences() -> Result<()> {
    for source in [Source::Batch, Source::Running] {
        let inputs = inputs(&SHAPE)?;
        let results = all_four(batch_norm, &inputs, source, false)?;
        let loss = || -> Result<f64> {
            let y = apply(batch_norm, &inputs, source, false)?;
            let weighted = (&y * variable("dy", y.dims())?.as_tensor())?.to_dtype(candle_core::DType::F64)?;
            weighted.sum_all()?.to_scalar::<f64>()
        };
        for (variable, gradient) in inputs.iter().zip(&results[1..]) {
            let values = variable.flatten_all()?.to_vec1::<f32>()?;
            for i in (0..values.len()).step_by(values.len().div_ceil(20)) {
                let shifted = |by: f32| {
                    let mut values = values.clone();
                    values[i] += by;
                    variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
                    loss()
                };
                let slope = ((shifted(0.01)? - shifted(-0.01)?) / 0.02) as f32;
                shifted(0.0)?;
                assert!((slope - gradient[i]).abs() < 2e-3, "{source:?}: {slope} {}", gradient[i]);
            }
        }
    }
    Ok(())
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() -> Result<()> {
    let inputs = inputs(&[13, 5, 9, 11])?;
    let run = |threads| -> Result<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(candle_core::Error::wrap)?;
        let results = pool.install(|| all_four(batch_norm, &inputs, Source::Batch, true))?;
        Ok(results.concat().into_iter().map(f32::to_bits).collect())
    };
    let alone = run(1)?;
    assert!(alone == run(2)? && alone == run(3)?);
    Ok(())
}

#[test]
fn running_statistics_follow_pytorch() -> Result<()> {
    let mut parameters = Parameters::new(1, &Device::Cpu);
    let layer = Layer::new(&mut parameters, "bn", 1)?;
    // Mean 2.5 and unbiased variance 5/3.
    let x = Tensor::new(&[1.0f32, 2.0, 3.0, 4.0], &Device::Cpu)?.reshape((2, 1, 1, 2))?;
    layer.forward(&x, true)?;
    let near = |name: &str, expected: f32| -> Result<()> {
        let value = parameters.tensors()?[name].to_vec1::<f32>()?[0];
        assert!((value - expected).abs() < 1e-6, "{name}: {value}");
        Ok(())
    };
    near("bn.running_mean", 0.25)?;
    near("bn.running_var", 0.9 + 0.1 * 5.0 / 3.0)?;
    // Evaluation normalises by them and leaves them alone; a batch that is not finite does not touch them either.
    let y = layer.forward(&x, false)?.flatten_all()?.to_vec1::<f32>()?;
    assert!((y[0] - 0.75 / (0.9f32 + 0.5 / 3.0 + 1e-5).sqrt()).abs() < 1e-6);
    let poisoned = layer.forward_relu(&(&x / 0.0)?, true)?;
    assert!(poisoned.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_nan()));
    near("bn.running_mean", 0.25)
}
