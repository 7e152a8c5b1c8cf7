//! Imports a model file: `import FILE [DIR] [--triangles N] [--keypoints FILE]`. Without DIR nothing
//! is written.

use marionette_import::{Options, import, write};
use std::{path::PathBuf, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--triangles" => {
                options.triangles = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(3000);
            }
            "--keypoints" => options.keypoints = arguments.next().map(PathBuf::from),
            "--package" => options.package_dirs.extend(arguments.next().map(PathBuf::from)),
            _ => paths.push(argument.into()),
        }
    }
    let Some(file) = paths.first() else {
        eprintln!("give a model file");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let result = import(file, &options).and_then(|mut draft| {
        if let Some(folder) = paths.get(1) {
            write(&mut draft, folder)?;
        }
        Ok(draft)
    });
    match result {
        Ok(draft) => {
            println!(
                "{}: {} bones, {} parts, {} triangles, {} keypoints, {:.2} s",
                draft.name,
                draft.bones.len(),
                draft.parts.len(),
                draft.triangles(),
                draft.keypoints.len(),
                start.elapsed().as_secs_f64()
            );
            for note in &draft.notes {
                println!("  {note}");
            }
            for keypoint in &draft.keypoints {
                let twin = keypoint.twin.map(|twin| draft.keypoints[twin].name.as_str());
                println!("  keypoint {} {}", keypoint.name, twin.unwrap_or(""));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
