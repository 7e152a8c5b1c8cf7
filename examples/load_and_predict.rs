//! Loads trained weights and prints the keypoints that the network finds in a picture of one
//! person.
//!
//! `cargo run --release --example load_and_predict -- runs/first/weights.safetensors photo.jpg`

use marionette::{
    run::open_device,
    train::eval::{Crop, Detector, load_picture},
};
use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [weights, picture] = arguments.as_slice() else {
        return Err("give a file of weights and a PNG or JPEG picture".into());
    };
    let detector = Detector::load(Path::new(weights), &open_device("cpu")?)?;
    let picture = load_picture(Path::new(picture))?.upright();

    // The network is shown the whole picture. `Crop::new` takes the box of a person instead.
    let card = detector.card();
    let input = [card.network.input_width, card.network.input_height];
    let (width, height) = picture.dimensions();
    let crop = Crop::whole(width, height, &card.crop, input);
    let found = detector.detect_in(&picture, &crop)?;

    println!("{} after step {}, picture of {width}x{height} pixels", card.network.name, card.step);
    println!("{:16} {:>7} {:>7} {:>6}", "keypoint", "x", "y", "score");
    for (name, [x, y, score]) in card.keypoints.names.iter().zip(found) {
        println!("{name:16} {x:7.1} {y:7.1} {score:6.2}");
    }
    Ok(())
}
