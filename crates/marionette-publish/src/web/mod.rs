//! A page that finds keypoints in the browser: static files, for any server.

mod runtime;

pub use runtime::{RUNTIME_PACKAGE, Runtime};

use crate::PublishError;
use marionette_base::{atomic_file::write_unsynced, new_folder::write_folder};
use marionette_nn::HeatmapNetwork;
use marionette_onnx::{Head, OnnxOptions, write_onnx};
use marionette_train::export::ModelCard;
use std::path::Path;

/// Where the model card goes in the page.
const CARD: &str = "{CARD}";
const PAGE: &str = include_str!("page.html");

/// Writes a page for `network` to a new folder at `path`, whole or not at all: `index.html`,
/// `model.onnx`, `README.md` and the files of onnxruntime-web that run it, from `runtime`.
/// `quantized` keeps weights as whole numbers of eight bits: a quarter to download.
///
/// # Errors
/// If there is something at `path`, the runtime is not to be had, or something cannot be written.
pub fn write_web(
    path: &Path,
    network: &HeatmapNetwork,
    card: &ModelCard,
    quantized: bool,
    runtime: Runtime,
) -> Result<(), PublishError> {
    write_folder(path, |folder| {
        let options = OnnxOptions { head: Head::Keypoints, quantized };
        write_onnx(&folder.join("model.onnx"), network, card, options)?;
        runtime.put(folder)?;
        write_unsynced(&folder.join("index.html"), page(card).as_bytes())?;
        Ok(write_unsynced(&folder.join("README.md"), readme(path, card).as_bytes())?)
    })
}

/// The page with `card` in it.
fn page(card: &ModelCard) -> String {
    // Within a script, only this could end it.
    PAGE.replace(CARD, &card.to_json().trim_end().replace("</", "<\\/"))
}

fn readme(path: &Path, card: &ModelCard) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "# {name}: keypoints in the browser\n\n\
         `python3 -m http.server` in this folder, then open <http://localhost:8000>.\n\n\
         Any server of static files will do; browsers give webcams to `localhost` and to https \
         alone. Pictures stay in the browser. `index.html?picture=NAME&box=X,Y,WIDTH,HEIGHT` opens \
         a picture from the server at once.\n\n\
         The network is Marionette's `{}`, trained for {} steps on its scene `{}`; `model.onnx` \
         holds its model card. The `ort` files are [onnxruntime-web](https://onnxruntime.ai), \
         copyright Microsoft Corporation, under the MIT licence.\n",
        card.network.name, card.step, card.scene
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_cannot_end_the_script_that_holds_it() {
        assert_eq!(PAGE.matches(CARD).count(), 1);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let figure = marionette_figure::load_figure(Path::new(path)).unwrap();
        let network = marionette_nn::build("nano", 17, 1, &candle_core::Device::Cpu).unwrap();
        let activation = marionette_nn::heatmap::Activation::Softmax;
        let mut card = ModelCard::new(&figure, network.spec().clone(), activation);
        card.scene = "</script><b>".to_owned();
        let page = page(&card);
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        let json = page.split("type=\"application/json\">").nth(1).unwrap();
        let json = json.split("</script>").next().unwrap();
        assert_eq!(ModelCard::parse(json), Ok(card));
    }
}
