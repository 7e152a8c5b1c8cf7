//! Runs the files of `corpus/` through the targets, in seconds.

use marionette_fuzz::{TARGETS, remove_folder};
use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

#[test]
fn every_target_takes_some_files_of_its_corpus_and_none_makes_it_panic() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut faults = Vec::new();
    for (name, target) in TARGETS {
        let files = files(&corpora.join(name));
        let mut taken = 0;
        for path in &files {
            let bytes = fs::read(path).unwrap();
            match catch_unwind(|| target(&bytes)) {
                Ok(took) => taken += usize::from(took),
                Err(_) => faults.push(format!("{} makes it panic", path.display())),
            }
        }
        println!("{name}: takes {taken} of {} files", files.len());
        if taken == 0 || taken == files.len() {
            let count = files.len();
            faults.push(format!("{name} takes {taken} of {count} files; give it some of either"));
        }
    }
    remove_folder();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The files of a corpus. Where there is no folder, there are none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
