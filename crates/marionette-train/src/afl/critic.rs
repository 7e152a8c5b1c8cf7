//! The discriminator `d`: a Wasserstein critic with gradient penalty (Liu et al. 2022, Alg. 2;
//! Gulrajani et al. 2017).

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::{Linear, Module};
use marionette_base::random;
use rand::Rng;
use std::collections::BTreeMap;

/// The slope of the leaky ReLU for negative inputs.
const LEAK: f64 = 0.2;
/// Keeps the gradient of the norm finite where the input gradient is zero; far below f32's
/// resolution elsewhere.
const NORM_EPSILON: f64 = 1e-12;

/// A linear layer and its variables.
#[derive(Debug)]
struct Layer {
    /// `[out, in]`.
    weight: Var,
    /// `[out]`.
    bias: Var,
    /// Computes with the storage of both variables, so that it sees every update of them.
    linear: Linear,
}

impl Layer {
    fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (weight, bias) = (Var::from_tensor(weight)?, Var::from_tensor(bias)?);
        let linear = Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone()));
        Ok(Self { weight, bias, linear })
    }
}

/// A multi-layer perceptron from `[B, inputs]` to one unbounded value per row, with
/// leaky ReLU 0.2 between layers. There is no batch norm: the penalty is on each sample's own
/// gradient.
#[derive(Debug)]
pub struct Critic {
    layers: Vec<Layer>,
}

impl Critic {
    /// A critic of `inputs -> hidden.. -> 1` in f32 on `device`, with weights and biases sampled
    /// from U(±1/√inputs of the layer), each from its own stream "init/critic.N.weight" or
    /// "init/critic.N.bias" of `seed`.
    ///
    /// # Errors
    /// If the device cannot hold the tensors.
    pub fn new(inputs: usize, hidden: &[usize], seed: u64, device: &Device) -> Result<Self> {
        let widths: Vec<usize> = [&[inputs], hidden, &[1]].concat();
        let layer = |(index, pair): (usize, &[usize])| {
            let bound = 1.0 / (pair[0] as f32).sqrt();
            let sample = |part: &str, shape: &[usize]| {
                let mut stream = random::stream(seed, 0, 0, &format!("init/critic.{index}.{part}"));
                let values: Vec<f32> = (0..shape.iter().product())
                    .map(|_| bound * (2.0 * stream.random::<f32>() - 1.0))
                    .collect();
                Tensor::from_vec(values, shape, device)
            };
            Layer::new(&sample("weight", &[pair[1], pair[0]])?, &sample("bias", &[pair[1]])?)
        };
        Ok(Self { layers: widths.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    /// A critic with these (weight `[out, in]`, bias `[out]`), first layer first, on their device
    /// and in their type.
    ///
    /// # Errors
    /// If the tensors cannot be copied.
    pub fn from_layers(layers: &[(Tensor, Tensor)]) -> Result<Self> {
        let layer = |(weight, bias): &(Tensor, Tensor)| Layer::new(weight, bias);
        Ok(Self { layers: layers.iter().map(layer).collect::<Result<_>>()? })
    }

    /// The trainable tensors under their stable names ("critic.0.weight", "critic.0.bias", ...).
    pub fn parameters(&self) -> BTreeMap<String, Var> {
        let named = |(index, layer): (usize, &Layer)| {
            [("weight", &layer.weight), ("bias", &layer.bias)]
                .map(|(part, var)| (format!("critic.{index}.{part}"), var.clone()))
        };
        self.layers.iter().enumerate().flat_map(named).collect()
    }

    /// `d(x)`: `[B, inputs]` to `[B]`.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.activations(x)?.0.squeeze(D::Minus1)
    }

    /// `∇d(x)`, the gradient of each sample's value by its own input: `[B, inputs]` to `[B, inputs]`.
    ///
    /// It is an ordinary forward graph (transposed weights and activation masks, last layer first),
    /// so that a loss made of it has exact gradients by the weights although candle has no double
    /// backward. It passes no gradient on to `x`, which is right: where leaky ReLU has a second
    /// derivative, it is zero.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    pub fn input_gradient(&self, x: &Tensor) -> Result<Tensor> {
        let (value, slopes) = self.activations(x)?;
        let mut gradient = value.ones_like()?;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            gradient = gradient.matmul(layer.linear.weight())?;
            if index > 0 {
                gradient = (gradient * &slopes[index - 1])?;
            }
        }
        Ok(gradient)
    }

    /// `(|∇d(ŷ)|₂ - 1)²` per sample, `[B]`, without λ, at `ŷ = α t(y) + (1-α) t(y')`. `alpha` is
    /// `[B]`.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    pub fn gradient_penalty(&self, real: &Tensor, fake: &Tensor, alpha: &Tensor) -> Result<Tensor> {
        let alpha = alpha.unsqueeze(1)?;
        let between =
            (real.broadcast_mul(&alpha)? + fake.broadcast_mul(&alpha.affine(-1.0, 1.0)?)?)?;
        let squared_norm = self.input_gradient(&between)?.sqr()?.sum(D::Minus1)?;
        (squared_norm.affine(1.0, NORM_EPSILON)?.sqrt()? - 1.0)?.sqr()
    }

    /// The critic's loss (Alg. 2) with its parts; see [`CriticLoss`]. `drift` is 0 in the paper.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    pub fn loss(
        &self,
        real: &Tensor,
        fake: &Tensor,
        alpha: &Tensor,
        lambda: f64,
        drift: f64,
    ) -> Result<CriticLoss> {
        let (on_real, on_fake) = (self.forward(real)?, self.forward(fake)?);
        let penalty = self.gradient_penalty(real, fake, alpha)?;
        let gap = (&on_real - &on_fake)?;
        let total = ((penalty.affine(lambda, 0.0)? - &gap)?
            + on_real.sqr()?.affine(drift, 0.0)?)?
        .mean_all()?;
        Ok(CriticLoss {
            total,
            gap: gap.mean_all()?.detach(),
            penalty: penalty.mean_all()?.detach(),
        })
    }

    /// The last layer's output `[B, 1]`, and the slope of every activation on the way: 1 or 0.2,
    /// constants to backward.
    fn activations(&self, x: &Tensor) -> Result<(Tensor, Vec<Tensor>)> {
        let mut slopes = Vec::new();
        let mut x = x.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.linear.forward(&x)?;
            if index + 1 < self.layers.len() {
                let slope = x.gt(0.0)?.to_dtype(x.dtype())?.affine(1.0 - LEAK, LEAK)?.detach();
                x = (x * &slope)?;
                slopes.push(slope);
            }
        }
        Ok((x, slopes))
    }
}

/// The critic's loss over a batch, and the two parts worth watching. All are scalars.
#[derive(Debug)]
pub struct CriticLoss {
    /// mean(-d(t(y)) + d(t(y')) + λ penalty + drift d(t(y))²), which the critic minimises.
    pub total: Tensor,
    /// mean(d(t(y)) - d(t(y'))): the critic's estimate of the Wasserstein distance. Detached.
    pub gap: Tensor,
    /// The mean gradient penalty, without λ. Detached.
    pub penalty: Tensor,
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;

    /// A critic in f64, so that finite differences resolve the gradients, and some points.
    fn critic_and_points() -> Result<(Critic, [Tensor; 2])> {
        let device = Device::Cpu;
        let single = Critic::new(6, &[5, 4], 3, &device)?;
        let double = |var: &Var| var.to_dtype(DType::F64);
        let layers: Vec<_> = single
            .layers
            .iter()
            .map(|layer| Ok((double(&layer.weight)?.affine(2.0, 0.0)?, double(&layer.bias)?)))
            .collect::<Result<_>>()?;
        let points = ["real", "fake"].map(|name| {
            let mut stream = random::stream(5, 0, 0, name);
            Tensor::from_vec(
                (0..18).map(|_| stream.random::<f64>()).collect::<Vec<_>>(),
                (3, 6),
                &device,
            )
        });
        let [real, fake] = points;
        Ok((Critic::from_layers(&layers)?, [real?, fake?]))
    }

    /// `values` with `values[index]` moved by `by`, as a tensor like `like`.
    fn moved(values: &[f64], index: usize, by: f64, like: &Tensor) -> Result<Tensor> {
        let mut values = values.to_vec();
        values[index] += by;
        Tensor::from_vec(values, like.shape(), like.device())
    }

    #[test]
    fn afl_critic_input_gradient_matches_finite_differences_and_backward() -> Result<()> {
        let (critic, [x, _]) = critic_and_points()?;
        let analytic = critic.input_gradient(&x)?.flatten_all()?.to_vec1::<f64>()?;
        let values = x.flatten_all()?.to_vec1::<f64>()?;
        for (index, expected) in analytic.iter().enumerate() {
            let at =
                |by| critic.forward(&moved(&values, index, by, &x)?)?.sum_all()?.to_scalar::<f64>();
            let difference = (at(1e-6)? - at(-1e-6)?) / 2e-6;
            assert!((difference - expected).abs() < 1e-7, "{index}: {difference} {expected}");
        }
        let x = Var::from_tensor(&x)?;
        let gradients = critic.forward(&x)?.sum_all()?.backward()?;
        let by_backward =
            gradients.get(&x).expect("x is a variable").flatten_all()?.to_vec1::<f64>()?;
        assert!(analytic.iter().zip(&by_backward).all(|(a, b)| (a - b).abs() < 1e-12));
        Ok(())
    }

    #[test]
    fn afl_critic_penalty_and_loss_gradients_match_finite_differences() -> Result<()> {
        let (critic, [real, fake]) = critic_and_points()?;
        let alpha = Tensor::new(&[0.2f64, 0.5, 0.9], &Device::Cpu)?;
        let penalty = || critic.gradient_penalty(&real, &fake, &alpha)?.mean_all();
        let loss = || Ok(critic.loss(&real, &fake, &alpha, 10.0, 1e-3)?.total);
        for objective in [&penalty as &dyn Fn() -> Result<Tensor>, &loss] {
            let gradients = objective()?.backward()?;
            for (name, var) in critic.parameters() {
                let Some(gradient) = gradients.get(&var) else {
                    assert!(name.ends_with("bias"), "{name} has no gradient");
                    continue;
                };
                let analytic = gradient.flatten_all()?.to_vec1::<f64>()?;
                let original = var.copy()?;
                let values = original.flatten_all()?.to_vec1::<f64>()?;
                for (index, expected) in analytic.iter().enumerate() {
                    let at = |by| {
                        var.set(&moved(&values, index, by, &original)?)?;
                        objective()?.to_scalar::<f64>()
                    };
                    let difference = (at(1e-6)? - at(-1e-6)?) / 2e-6;
                    var.set(&original)?;
                    assert!(
                        (difference - expected).abs() < 1e-6,
                        "{name}[{index}]: {difference} {expected}"
                    );
                }
            }
        }
        Ok(())
    }

    #[test]
    fn afl_critic_drift_adds_the_square_of_the_value_on_targets() -> Result<()> {
        let (critic, [real, fake]) = critic_and_points()?;
        let alpha = Tensor::new(&[0.2f64, 0.5, 0.9], &Device::Cpu)?;
        let loss = |drift| critic.loss(&real, &fake, &alpha, 10.0, drift)?.total.to_scalar::<f64>();
        let square = critic.forward(&real)?.sqr()?.mean_all()?.to_scalar::<f64>()?;
        assert!((loss(0.5)? - loss(0.0)? - 0.5 * square).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn afl_critic_penalty_is_safe_where_the_gradient_is_zero() -> Result<()> {
        let zeros = |out: usize, inputs: usize| -> Result<(Tensor, Tensor)> {
            Ok((
                Tensor::zeros((out, inputs), DType::F32, &Device::Cpu)?,
                Tensor::zeros(out, DType::F32, &Device::Cpu)?,
            ))
        };
        let critic = Critic::from_layers(&[zeros(4, 6)?, zeros(1, 4)?])?;
        let x = Tensor::ones((2, 6), DType::F32, &Device::Cpu)?;
        let penalty =
            critic.gradient_penalty(&x, &x, &Tensor::new(&[0.5f32, 0.5], &Device::Cpu)?)?;
        assert!(penalty.to_vec1::<f32>()?.iter().all(|value| (value - 1.0).abs() < 1e-5));
        let gradients = penalty.mean_all()?.backward()?;
        for var in critic.parameters().values() {
            if let Some(gradient) = gradients.get(var) {
                assert!(
                    gradient.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite())
                );
            }
        }
        Ok(())
    }

    #[test]
    fn afl_critic_for_17_keypoints_has_10_to_50_thousand_parameters_and_repeats_by_seed()
    -> Result<()> {
        let critic = |seed| Critic::new(2 * 17 * 17, &[32, 32], seed, &Device::Cpu);
        let first = |critic: Critic| critic.layers[0].weight.flatten_all()?.to_vec1::<f32>();
        let count: usize = critic(1)?.parameters().values().map(|var| var.elem_count()).sum();
        assert!((10_000..=50_000).contains(&count), "{count}");
        assert_eq!(first(critic(1)?)?, first(critic(1)?)?);
        assert_ne!(first(critic(1)?)?, first(critic(2)?)?);
        Ok(())
    }
}
