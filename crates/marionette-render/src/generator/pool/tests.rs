use super::*;
use marionette_physics::MOST_ATTEMPTS;
use marionette_scene::load_scene;

fn place(attempt: &Attempt) -> (u64, usize, u32) {
    (attempt.batch, attempt.slot, attempt.attempt)
}

/// A queue of samples that say which attempt they are of.
fn asked(batches: u64, samples: usize) -> Queue<u32> {
    let mut queue = Queue::default();
    (0..batches).for_each(|index| queue.ask(index, Arc::new(Policy::uniform()), samples));
    queue
}

#[test]
fn samples_are_begun_in_order_and_rejected_ones_are_tried_again_first() {
    let mut queue = asked(2, 2);
    let first = queue.next(1).unwrap();
    let second = queue.next(1).unwrap();
    let third = queue.next(1).unwrap();
    assert_eq!([&first, &second, &third].map(place), [(0, 0, 0), (0, 1, 0), (1, 0, 0)]);
    assert!(!queue.note(&second, Err(Rejection::Covered)));
    let again = queue.next(1).unwrap();
    assert_eq!(place(&again), (0, 1, 1));
    assert!(!queue.note(&first, Ok(0)));
    assert!(queue.take().is_none(), "one of its samples is not there yet");
    assert!(queue.note(&again, Ok(1)), "the batch is complete");
    let (index, samples) = queue.take().unwrap();
    let samples = samples.unwrap();
    assert_eq!((index, samples), (0, vec![(0, vec![]), (1, vec![Rejection::Covered])]));
}

#[test]
fn of_attempts_made_ahead_the_first_good_one_counts() {
    let mut queue = asked(1, 1);
    let first = queue.next(9).unwrap();
    assert!(queue.next(2).is_none(), "two threads stay idle");
    let [second, third, fourth] = [(); 3].map(|()| queue.next(3).unwrap());
    assert_eq!([&second, &third, &fourth].map(|one| one.attempt), [1, 2, 3]);
    assert!(!queue.note(&fourth, Ok(3)));
    assert!(queue.next(9).is_none(), "what comes after a good one is in vain");
    assert!(!queue.note(&third, Ok(2)));
    assert!(!queue.note(&first, Err(Rejection::TooSmall)));
    assert!(queue.note(&second, Err(Rejection::Covered)));
    let sample = queue.take().unwrap().1.unwrap().remove(0);
    assert_eq!(sample, (2, vec![Rejection::TooSmall, Rejection::Covered]));
}

#[test]
fn a_sample_that_is_never_solvable_is_told_with_its_commonest_reason() {
    let mut queue = asked(1, 2);
    let solved = queue.next(1).unwrap();
    queue.note(&solved, Ok(0));
    for attempt in 0..MOST_ATTEMPTS {
        let tried = queue.next(1).unwrap();
        assert_eq!(place(&tried), (0, 1, attempt));
        let reason = if attempt % 3 == 0 { Rejection::Covered } else { Rejection::BadLight };
        assert_eq!(queue.note(&tried, Err(reason)), attempt + 1 == MOST_ATTEMPTS);
    }
    assert!(queue.next(9).is_none());
    let unsolvable = queue.take().unwrap().1.unwrap_err();
    assert_eq!((unsolvable.index, unsolvable.reason), (1, Rejection::BadLight));
}

#[test]
fn any_number_of_threads_makes_the_same_samples() {
    let scene = Arc::new(load_scene("all").unwrap());
    let policy = Arc::new(Policy::uniform());
    let judge = Solvability::new(scene.figure.clone());
    let alone: Vec<SceneSample> = (8..24)
        .map(|index| {
            let draw = |attempt| sampler(&scene).sample(&policy, 5, index, attempt);
            judge.first_solvable(index, draw).unwrap()
        })
        .collect();
    for threads in [1, 2, 9] {
        let config = PoolConfig { seed: 5, batch: 8, threads, jitter_ms: 2 };
        let pool = SamplePool::new(scene.clone(), config).unwrap();
        assert_eq!(pool.take(Duration::ZERO).map(|taken| taken.is_none()), Ok(true));
        pool.ask(1, policy.clone());
        pool.ask(2, policy.clone());
        let mut made = Vec::new();
        for expected in [1, 2] {
            let (index, samples) = pool.take(Duration::from_secs(60)).unwrap().unwrap();
            assert_eq!(index, expected);
            made.extend(samples.unwrap());
        }
        assert!(pool.is_empty());
        assert!(made == alone, "with {threads} threads");
    }
}
