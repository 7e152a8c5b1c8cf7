//! `marionette import`.

use super::{
    CommandError, output,
    preview::{PreviewArgs, preview},
};
use clap::Args;
use marionette::{
    base::new_folder::{FolderError, check_free},
    figure::Figure,
    import::{Draft, ImportError, Options, import as read, write},
};
use std::path::PathBuf;

/// Make a figure of a model file: a robot's URDF or a character's glTF.
///
/// The folder holds figure.toml, which you can read and edit (bones, limits, parts, materials,
/// keypoints, poses), and meshes/*.ply. Keypoints are proposed at joints and at the tips of what
/// hangs on them. What was skipped or guessed is printed, and stands at the top of figure.toml.
/// sheet.png shows the figure in 25 poses, easy ones first, with the names of its keypoints. Give the
/// folder as --figure to any command.
///
/// Example: marionette import panda.urdf --package ~/ros/src --out figures/panda
#[derive(Args)]
pub struct ImportArgs {
    /// The model: .urdf, .gltf or .glb, with the files that it names beside it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The new folder to write.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder of a package, or one that holds packages, for package://NAME/... in a URDF file;
    /// can be given more than once.
    #[arg(long = "package", value_name = "DIR")]
    packages: Vec<PathBuf>,
    /// TOML file with keypoints of your own: [[keypoints]] with name, link and offset (metres, in
    /// the link's frame), and edges = [["a", "b"]].
    #[arg(long, value_name = "FILE")]
    keypoints: Option<PathBuf>,
    /// Most triangles that the figure's meshes are simplified to.
    #[arg(long, value_name = "N", default_value_t = 3000,
        value_parser = clap::value_parser!(u32).range(100..=6000))]
    triangles: u32,
    /// Metres in one unit of the file; without it millimetres are guessed from the size.
    #[arg(long, value_name = "METRES")]
    scale: Option<f32>,
    /// The URDF file has y up and z in front, as Laikago's; most have z up and x in front. (A glTF
    /// file has y up anyway.)
    #[arg(long)]
    y_up: bool,
    /// The figure's name; the file's own by default.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Write no sheet.png, which needs something to draw with.
    #[arg(long)]
    no_sheet: bool,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Runs `marionette import`.
pub fn import(args: ImportArgs) -> Result<(), CommandError> {
    check_free(&args.out).map_err(|error| refused(error.into()))?;
    let options = Options {
        package_dirs: args.packages.clone(),
        keypoints: args.keypoints.clone(),
        triangles: args.triangles as usize,
        scale: args.scale,
        name: args.name.clone(),
        y_up: args.y_up,
    };
    let mut draft = read(&args.file, &options).map_err(refused)?;
    let figure = write(&mut draft, &args.out).map_err(refused)?;
    if !args.quiet {
        tell(&args, &draft);
        tell_of_proxies(&figure);
    }
    if args.no_sheet {
        return Ok(());
    }
    let sheet = PreviewArgs::of_figure(&args.out.to_string_lossy(), args.out.join("sheet.png"));
    match preview(sheet) {
        // The figure is there all the same.
        Err(CommandError::Input(error) | CommandError::Failed(error)) => {
            output::warn(&format!("warning: there is no sheet.png: {error:#}"));
            Ok(())
        }
        result => result,
    }
}

/// How well round cones fit the shapes that they stand for.
fn tell_of_proxies(figure: &Figure) {
    let fits = &figure.surface.proxies;
    let Some(worst) = fits.iter().max_by(|a, b| a.error.total_cmp(&b.error)) else { return };
    let cones: usize = fits.iter().map(|fit| fit.count).sum();
    output::say(&format!(
        "{cones} round cones stand for its {} shapes where they touch and cast shadows; nine tenths \
         of the surface lie within {:.0} mm of them in the worst one, {}",
        fits.len(),
        worst.error * 1000.0,
        figure.parts[worst.part].name
    ));
}

/// A disk may be well tomorrow; everything else is the input's fault.
fn refused(error: ImportError) -> CommandError {
    match error {
        ImportError::Path(_) | ImportError::Folder(FolderError::Path(_)) => {
            CommandError::Failed(error.into())
        }
        ImportError::File(_) | ImportError::Folder(FolderError::NotFree { .. }) => {
            CommandError::Input(error.into())
        }
    }
}

fn tell(args: &ImportArgs, draft: &Draft) {
    let out = args.out.display();
    output::say(&format!(
        "{out}: {} with {} bones, {} parts, {} triangles and {} keypoints",
        draft.name,
        draft.bones.len(),
        draft.parts.len(),
        draft.triangles(),
        draft.keypoints.len()
    ));
    for note in &draft.notes {
        output::say(&format!("- {note}"));
    }
    let names: Vec<&str> = draft.keypoints.iter().map(|keypoint| keypoint.name.as_str()).collect();
    output::say(&format!("keypoints: {}", names.join(", ")));
}
