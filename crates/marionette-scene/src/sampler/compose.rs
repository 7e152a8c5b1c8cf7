//! The sampler: policy + seed + index → [`SceneSample`].

use super::{
    backdrop, clothes, framing, held, lens, light, poses, props,
    sampling::{Keys, Sampling, SettleFn},
    scenery,
};
use crate::Scene;
use marionette_base::random;
use marionette_stream::{
    Hardness, HardnessAxis, MOST_FOCUSED_ATTEMPTS, Policy, Rejection, SampleStream, SceneSample,
    Wanted,
};
use rand::Rng;

/// Makes the samples of a scene.
#[derive(Clone, Copy)]
pub struct Sampler<'a> {
    scene: &'a Scene,
    settle: SettleFn,
}

impl<'a> Sampler<'a> {
    /// A sampler of `scene`. Its figures settle by `settle`.
    pub fn new(scene: &'a Scene, settle: SettleFn) -> Self {
        Sampler { scene, settle }
    }

    /// Sample `index` of the run with `seed`, in the stream that its index belongs to.
    ///
    /// `attempt` counts how often this sample has been rejected as unsolvable. All attempts have
    /// the same hardness, but for focused samples: after some that did not come to what is wanted,
    /// another hardness is tried. They are held to it for [`MOST_FOCUSED_ATTEMPTS`].
    pub fn sample(&self, policy: &Policy, seed: u64, index: u64, attempt: u32) -> SceneSample {
        let keys = Keys { seed, index, attempt };
        let stream = policy.stream_of(index);
        let wanted = match (stream, &policy.focus) {
            (SampleStream::Focused, Some(focus)) => {
                focus.pick(random::stream(seed, index, 0, "focus").random())
            }
            _ => None,
        };
        let mut rng = match wanted {
            Some(_) => keys.lasting_stream("focus/hardness"),
            None => random::stream(seed, index, 0, "hardness"),
        };
        let shares: Hardness = std::array::from_fn(|_| rng.random::<f32>());
        let drawn = match (stream, wanted) {
            (_, Some(wanted)) => wanted.hardness(&shares),
            (SampleStream::Steered, None) => {
                policy.steered(&shares, &mut random::stream(seed, index, 0, "steered"))
            }
            (_, None) => shares,
        };
        let steered = self.scene.axes.each_ref().map(|axis| axis.steered);
        let hardness: Hardness =
            std::array::from_fn(|axis| if steered[axis] { drawn[axis] } else { shares[axis] });
        let wanted = wanted.filter(|_| attempt < MOST_FOCUSED_ATTEMPTS);
        let families = wanted.map(Wanted::families).unwrap_or_default();
        let mut sample = self.compose(policy, keys, stream, hardness, &families);
        if wanted.is_some_and(|wanted| !wanted.holds(&sample)) {
            sample.figures[0].fault.get_or_insert(Rejection::Unwanted);
        }
        sample
    }

    /// Sample `index` at a given `hardness`, for exams, previews and other uses without a
    /// curriculum.
    pub fn sample_at(
        &self,
        hardness: Hardness,
        seed: u64,
        index: u64,
        attempt: u32,
    ) -> SceneSample {
        let keys = Keys { seed, index, attempt };
        self.compose(&Policy::uniform(), keys, SampleStream::Uniform, hardness, &[])
    }

    /// A sample at `hardness`, whose pose is of one of `families` if there are any.
    fn compose(
        &self,
        policy: &Policy,
        keys: Keys,
        stream: SampleStream,
        hardness: Hardness,
        families: &[usize],
    ) -> SceneSample {
        let scene = self.scene;
        let sampling = &mut Sampling { scene, settle: self.settle, keys, parameters: Vec::new() };
        // How far along each randomizer's ramp this sample is.
        let at = |axis: HardnessAxis| hardness[axis as usize] * scene.axes[axis as usize].reach;
        let (mut backdrop, blend) = backdrop::backdrop(sampling, at(HardnessAxis::Camouflage));
        let tones = clothes::Tones::sample(sampling, blend, at(HardnessAxis::Camouflage));
        let mut colors = sampling.stream("colors");
        let (mut primary, mut props) = poses::primary(sampling, at(HardnessAxis::Pose), families);
        clothes::dress(&scene.figure, &mut primary, &backdrop, tones, &mut colors);
        props.extend(held::held(sampling, &primary, at(HardnessAxis::Pose)));
        let camera = framing::camera(
            sampling,
            &primary.parts,
            at(HardnessAxis::View),
            at(HardnessAxis::Truncation),
        );
        let border =
            framing::border(sampling, &camera, &primary.parts, at(HardnessAxis::Truncation));
        let albedo = light::mean_albedo(&primary, &backdrop);
        let middle = framing::middle(&primary.parts);
        let light = light::light(sampling, &camera, middle, albedo, at(HardnessAxis::Lighting));
        let mut figures = vec![primary];
        for (mut other, mut colors) in poses::crowd(sampling, &camera, at(HardnessAxis::Crowd)) {
            clothes::dress(&scene.figure, &mut other, &backdrop, tones, &mut colors);
            figures.push(other);
        }
        let behind = framing::farthest(&camera, &figures) + 0.1 * scene.figure.stature;
        let scenery = scenery::scenery(sampling, &camera, behind, at(HardnessAxis::Camouflage));
        backdrop.distance = backdrop.distance.max(behind).max(scenery::farthest(&camera, &scenery));
        props.extend(scenery);
        framing::hang_picture(&camera, &mut backdrop, scene.figure.stature);
        props.extend(props::props(sampling, &camera, at(HardnessAxis::Occlusion)));
        let distance = framing::distance(&camera, &figures[0].parts);
        let degradation = lens::degradation(sampling, distance, at(HardnessAxis::Degradation));
        SceneSample {
            index: sampling.keys.index,
            attempt: sampling.keys.attempt,
            rejections: Vec::new(),
            policy_version: policy.version,
            stream,
            propensity: policy.propensity(&hardness),
            hardness,
            figures,
            props,
            camera,
            border,
            light,
            backdrop,
            degradation,
            parameters: std::mem::take(&mut sampling.parameters),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load_scene;
    use marionette_stream::{AxisDistribution, Circumstance, Focus, LightKind, Quantity, Side};

    fn focus(circumstances: Vec<Circumstance>) -> Policy {
        let mut axes: [AxisDistribution; 8] = std::array::from_fn(|_| AxisDistribution::uniform(1));
        axes[HardnessAxis::View as usize].probabilities = vec![0.0, 1.0];
        let wanted = Wanted { finding: 0, words: String::new(), weight: 1.0, axes, circumstances };
        let focus = Focus { share: 0.5, wanted: vec![wanted] };
        Policy { focus: Some(focus), ..Policy::uniform() }
    }

    #[test]
    fn focused_samples_are_what_is_wanted_or_unwanted_and_the_others_stay() {
        let scene = load_scene("all").unwrap();
        let sampler = Sampler::new(&scene, |_| None);
        let kneel = scene.poses[scene.poses.len() / 2];
        let circumstances = vec![
            Circumstance::Pose(kneel),
            Circumstance::Seen(Side::Back),
            Circumstance::Lit(LightKind::Lamp),
            Circumstance::Below(Quantity::Size, 0.9),
        ];
        let policy = focus(circumstances.clone());
        let (mut focused, mut as_wanted) = (0, 0);
        for index in 0..200 {
            let sample = sampler.sample(&policy, 5, index, 0);
            if sample.stream != SampleStream::Focused {
                assert_eq!(sample, sampler.sample(&Policy::uniform(), 5, index, 0));
                continue;
            }
            focused += 1;
            let figure = &sample.figures[0];
            assert_eq!(figure.family, kneel);
            assert!(sample.hardness[HardnessAxis::View as usize] >= 0.5);
            if circumstances.iter().all(|circumstance| circumstance.holds(&sample)) {
                as_wanted += 1;
            } else {
                assert!(figure.fault.is_some());
            }
            // Attempts keep their hardness for a while, and are held to nothing in the end.
            let later = |attempt| sampler.sample(&policy, 5, index, attempt);
            assert_eq!(later(31).hardness, sample.hardness);
            assert_ne!(later(32).hardness, sample.hardness);
            assert_ne!(later(MOST_FOCUSED_ATTEMPTS).figures[0].fault, Some(Rejection::Unwanted));
        }
        assert_eq!(focused, 100);
        assert!((2..60).contains(&as_wanted), "{as_wanted}");
    }
}
