mod graphs;
mod ours;
mod theirs;

use std::path::Path;

fn figure() -> marionette_figure::Figure {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
    marionette_figure::load_figure(Path::new(path)).unwrap()
}
