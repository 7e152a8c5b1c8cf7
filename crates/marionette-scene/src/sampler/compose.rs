//! The sampler: policy + seed + index → [`SceneSample`].

use super::{
    backdrop, clothes, framing, held, lens, light, poses, props,
    sampling::{Keys, Sampling, SettleFn},
    scenery,
};
use crate::Scene;
use marionette_base::random;
use marionette_stream::{Hardness, HardnessAxis, Policy, SampleStream, SceneSample};
use rand::{Rng, seq::SliceRandom};

/// The randomizers that a replay may sample afresh, by the names of their streams. A stream
/// "NAME/..." goes with NAME.
const RESAMPLED: [&str; 10] = [
    "body",
    "pose",
    "view",
    "occlusion",
    "truncation",
    "lighting",
    "camouflage",
    "colors",
    "crowd",
    "degradation",
];

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
    /// the same hardness.
    pub fn sample(&self, policy: &Policy, seed: u64, index: u64, attempt: u32) -> SceneSample {
        let scene = self.scene;
        let mut rng = random::stream(seed, index, 0, "hardness");
        let shares: Hardness = std::array::from_fn(|_| rng.random::<f32>());
        let steered =
            || -> Hardness {
                let mut rng = random::stream(seed, index, 0, "steered");
                let steered = policy.steered(&shares, &mut rng);
                std::array::from_fn(|axis| {
                    if scene.axes[axis].steered { steered[axis] } else { shares[axis] }
                })
            };
        let mut keys = Keys { seed, own: (index, attempt), origin: None, resampled: Vec::new() };
        let (hardness, stream) = match policy.mix.stream_of(index) {
            SampleStream::Uniform => (shares, SampleStream::Uniform),
            SampleStream::Replay if !policy.replay.is_empty() => {
                let chosen =
                    random::weighted(&mut rng, policy.replay.iter().map(|entry| entry.weight));
                let entry = &policy.replay[chosen.unwrap_or(0)];
                // The randomizers that are sampled afresh change with the attempt. Some choices can
                // never succeed: a new body may not fit between the old props, for example.
                let mut names = RESAMPLED;
                let mut choice = random::stream(seed, index, attempt, "replay");
                names.shuffle(&mut choice);
                keys.origin = Some((entry.origin, entry.attempt));
                keys.resampled = names[..choice.random_range(1..=3)].to_vec();
                (entry.hardness, SampleStream::Replay)
            }
            SampleStream::Steered | SampleStream::Replay => (steered(), SampleStream::Steered),
        };
        self.compose(policy, keys, stream, hardness)
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
        let keys = Keys { seed, own: (index, attempt), origin: None, resampled: Vec::new() };
        self.compose(&Policy::initial(Default::default(), 1), keys, SampleStream::Uniform, hardness)
    }

    fn compose(
        &self,
        policy: &Policy,
        keys: Keys,
        stream: SampleStream,
        hardness: Hardness,
    ) -> SceneSample {
        let scene = self.scene;
        let sampling = &mut Sampling { scene, settle: self.settle, keys, parameters: Vec::new() };
        // How far along each randomizer's ramp this sample is.
        let at = |axis: HardnessAxis| hardness[axis as usize] * scene.axes[axis as usize].reach;
        let (mut backdrop, blend) = backdrop::backdrop(sampling, at(HardnessAxis::Camouflage));
        let mut colors = sampling.stream("colors");
        let (mut primary, mut props) = poses::primary(sampling, at(HardnessAxis::Pose));
        clothes::dress(&scene.figure, &mut primary, &backdrop, blend, &mut colors);
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
            clothes::dress(&scene.figure, &mut other, &backdrop, blend, &mut colors);
            figures.push(other);
        }
        let behind = framing::farthest(&camera, &figures) + 0.1;
        let scenery = scenery::scenery(sampling, &camera, behind, at(HardnessAxis::Camouflage));
        backdrop.distance = backdrop.distance.max(behind).max(scenery::farthest(&camera, &scenery));
        props.extend(scenery);
        framing::hang_picture(&camera, &mut backdrop);
        props.extend(props::props(sampling, &camera, at(HardnessAxis::Occlusion)));
        let distance = framing::distance(&camera, &figures[0].parts);
        let degradation = lens::degradation(sampling, distance, at(HardnessAxis::Degradation));
        SceneSample {
            index: sampling.keys.own.0,
            attempt: sampling.keys.own.1,
            rejections: Vec::new(),
            policy_version: policy.version,
            stream,
            origin: sampling.keys.origin.map(|(index, _)| index),
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
    use marionette_stream::{ReplayEntry, StreamMix};

    fn contents(s: &SceneSample) -> impl PartialEq + std::fmt::Debug {
        (s.figures.clone(), s.props.clone(), s.camera, s.light, s.backdrop, s.degradation)
    }

    #[test]
    fn a_replay_repeats_its_origin_but_for_one_to_three_randomizers_that_change_with_the_attempt() {
        let scene = load_scene("quickstart").unwrap();
        let mix = StreamMix { uniform: 0.0, steered: 0.0, replay: 1.0 };
        let hardness = [0.6; 8];
        let entry = ReplayEntry { origin: 7, attempt: 2, hardness, weight: 1.0 };
        let policy = Policy { replay: vec![entry], ..Policy::initial(mix, 6) };
        let origin = Sampler::new(&scene, |_| None).sample_at(hardness, 1, 7, 2);
        let (mut same_light, mut same_pose) = (0, 0);
        for attempt in 0..60 {
            let replay = Sampler::new(&scene, |_| None).sample(&policy, 1, 500, attempt);
            assert_eq!(
                (replay.stream, replay.origin, replay.hardness),
                (SampleStream::Replay, Some(7), hardness)
            );
            assert_ne!(contents(&replay), contents(&origin));
            same_light += u32::from(replay.light == origin.light);
            same_pose += u32::from(replay.figures[0].pose.angles == origin.figures[0].pose.angles);
        }
        // Each is sampled afresh with probability 1/5.
        assert!(
            (30..60).contains(&same_pose) && (20..60).contains(&same_light),
            "{same_pose}, {same_light}"
        );
    }
}
