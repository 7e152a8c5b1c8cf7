//! Loads trained weights and prints the keypoints that the network finds in a picture of one
//! person.
//!
//! `cargo run --release --example load_and_predict -- photo.jpg runs/first/weights.safetensors`;
//! without a file of weights, those that come with the program are taken.

use marionette::{
    run::{Which, load_model, load_person, open_device},
    train::eval::{Crop, load_picture},
};
use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let device = open_device("cpu")?;
    let (picture, model) = match arguments.as_slice() {
        [picture] => (picture, load_person(&device)?),
        [picture, weights] => (picture, load_model(Path::new(weights), Which::Newest, &device)?),
        _ => return Err("give a PNG or JPEG picture, and a file of weights if you like".into()),
    };
    let detector = model.detector;
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
