//! What a file gives: recognised by names, shapes and what the file says of itself.

use super::{
    file::Given,
    input::Complaint,
    metadata::{Metadata, Ultralytics},
    options::{OnnxOptions, OutputKind},
};

/// What a file gives, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// Which of the file's outputs it is.
    pub at: usize,
    /// Number of keypoints.
    pub keypoints: usize,
    pub layout: Layout,
}

impl Output {
    /// What is read of what a file gave.
    pub fn read<'a>(&self, given: &'a [Given]) -> impl Iterator<Item = &'a Given> + use<'a> {
        let rows = match self.layout {
            Layout::Simcc { rows } => Some(&given[rows]),
            _ => None,
        };
        std::iter::once(&given[self.at]).chain(rows)
    }
}

/// How an output is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layout {
    /// Maps; cells share the input evenly unless their middles reach from border to border.
    Heatmaps { to_border: bool },
    /// Rows' likelihoods are another output.
    Simcc { rows: usize },
    /// Triples of x, y and score; x and y are shares of the sides or pixels.
    Keypoints { shares: bool },
    /// One row for each detection.
    EndToEnd { values: usize },
    /// One column for each detection.
    Raw { classes: usize, values: usize },
    /// Triples of y, x and score.
    Movenet,
}

impl Layout {
    /// What it is an instance of.
    pub fn kind(self) -> OutputKind {
        match self {
            Layout::Heatmaps { .. } => OutputKind::Heatmaps,
            Layout::Simcc { .. } => OutputKind::Simcc,
            Layout::Keypoints { .. } => OutputKind::Keypoints,
            Layout::EndToEnd { .. } | Layout::Raw { .. } => OutputKind::Yolo,
            Layout::Movenet => OutputKind::Movenet,
        }
    }
}

/// What of `given`, which a file gave for an input of a single colour and `size` (width, height),
/// is to be read, and how. What was assumed is added to `notes`.
///
/// # Errors
/// If nothing can be.
pub fn recognise(
    given: &[Given],
    size: [usize; 2],
    metadata: &Metadata,
    options: &OnnxOptions,
    notes: &mut Vec<String>,
) -> Result<Output, Complaint> {
    let head = metadata.ours.as_ref().map(|ours| ours.interface.head.as_str());
    let said = match (options.output, head, &metadata.ultralytics) {
        (Some(kind), ..) => Some(kind),
        (None, Some("heatmaps" | "heatmaps for rtmlib"), _) => Some(OutputKind::Heatmaps),
        (None, Some("keypoints"), _) => Some(OutputKind::Keypoints),
        (None, Some("yolo"), _) | (None, None, Some(_)) => Some(OutputKind::Yolo),
        _ => None,
    };
    // From the most particular shape to the least.
    let kinds = match said {
        Some(kind) => vec![kind],
        None => vec![
            OutputKind::Simcc,
            OutputKind::Movenet,
            OutputKind::Heatmaps,
            OutputKind::Keypoints,
            OutputKind::Yolo,
        ],
    };
    let ultralytics = metadata.ultralytics.as_ref();
    let found = kinds.iter().find_map(|kind| match kind {
        OutputKind::Simcc => simcc(given, size),
        kind => {
            let mut each = given.iter().enumerate();
            each.find_map(|(at, given)| single(*kind, at, given, ultralytics))
        }
    });
    let Some(mut found) = found else { return Err(unknown(given, said)) };
    match &mut found.layout {
        Layout::Heatmaps { to_border } => *to_border = head == Some("heatmaps for rtmlib"),
        Layout::Keypoints { shares } if head.is_none() => {
            *shares = are_shares(&given[found.at]);
            let unit = if *shares { "shares of its sides" } else { "pixels of its input" };
            notes.push(format!("places in \"{}\" are taken to be {unit}", given[found.at].name));
        }
        _ => {}
    }
    if said.is_none() {
        notes.push(format!(
            "\"{}\" {:?} is taken to be {} (--output)",
            given[found.at].name,
            given[found.at].sides,
            found.layout.kind().name()
        ));
    }
    Ok(found)
}

fn unknown(given: &[Given], said: Option<OutputKind>) -> Complaint {
    let shapes = given.iter().map(|given| format!("\"{}\" {:?}", given.name, given.sides));
    let shapes = shapes.collect::<Vec<_>>().join(", ");
    let found = match said {
        Some(kind) => format!("gives {shapes}, none of which is {}", kind.name()),
        None => format!("gives {shapes}, none of which is known"),
    };
    let kinds = OutputKind::ALL.map(OutputKind::name).join(", ");
    (found, format!("give a file of {kinds} (--output KIND), or run it by --command"))
}

/// The two outputs of SimCC: by their names, or two whose last sides are as many times those of the
/// input.
fn simcc(given: &[Given], [width, height]: [usize; 2]) -> Option<Output> {
    let named = |name: &str| given.iter().position(|given| given.name.ends_with(name));
    let fits =
        |columns: usize, rows: usize| match (&given[columns].sides[..], &given[rows].sides[..]) {
            ([_, k, x], [_, same, y]) if columns != rows && k == same && *k > 0 => {
                // Equally fine in both directions, and no map of triples.
                x * height == y * width && *x >= width
            }
            _ => false,
        };
    let output = |at: usize, rows: usize| Output {
        at,
        keypoints: given[at].sides[1],
        layout: Layout::Simcc { rows },
    };
    if let (Some(columns), Some(rows)) = (named("simcc_x"), named("simcc_y")) {
        return fits(columns, rows).then(|| output(columns, rows));
    }
    let pairs = (1..given.len()).map(|rows| (rows - 1, rows));
    pairs.filter(|(columns, rows)| fits(*columns, *rows)).map(|(x, y)| output(x, y)).next()
}

/// The output `given` at place `at` as one of this kind, if it may be one.
fn single(
    kind: OutputKind,
    at: usize,
    given: &Given,
    ultralytics: Option<&Ultralytics>,
) -> Option<Output> {
    let output = |keypoints: usize, layout: Layout| Some(Output { at, keypoints, layout });
    match (kind, &given.sides[..]) {
        (OutputKind::Movenet, [_, 1, k @ (1..), 3]) => output(*k, Layout::Movenet),
        (OutputKind::Heatmaps, [_, k @ (1..), (3..), (3..)]) => {
            output(*k, Layout::Heatmaps { to_border: false })
        }
        (OutputKind::Keypoints, [_, k @ (1..), 3]) => {
            output(*k, Layout::Keypoints { shares: false })
        }
        (OutputKind::Yolo, [_, rows, columns]) => {
            let (k, layout) = yolo(*rows, *columns, ultralytics)?;
            output(k, layout)
        }
        _ => None,
    }
}

/// The number of keypoints and the layout of detections [B, `rows`, `columns`].
fn yolo(rows: usize, columns: usize, written: Option<&Ultralytics>) -> Option<(usize, Layout)> {
    if let Some(Ultralytics { shape: [k, values], classes, .. }) = written {
        let (k, values, classes) = (*k, *values, *classes);
        return if columns == 6 + values * k {
            Some((k, Layout::EndToEnd { values }))
        } else if rows == 4 + classes + values * k {
            Some((k, Layout::Raw { classes, values }))
        } else {
            None
        };
    }
    let values = 3;
    if rows > 5 && (rows - 5).is_multiple_of(values) && columns > rows {
        return Some(((rows - 5) / values, Layout::Raw { classes: 1, values }));
    }
    let end_to_end = columns > 6 && (columns - 6).is_multiple_of(values);
    end_to_end.then_some(((columns - 6) / values, Layout::EndToEnd { values }))
}

/// Whether all places are within a picture whose sides are 1, or nearly.
fn are_shares(given: &Given) -> bool {
    let near = |value: &f32| (-0.5..=1.5).contains(value);
    given.values.chunks_exact(3).all(|triple| triple[..2].iter().all(near))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shapes: &[(&str, &[usize])], output: Option<OutputKind>) -> Result<Output, Complaint> {
        let given: Vec<Given> = shapes
            .iter()
            .map(|(name, sides)| Given {
                name: (*name).to_owned(),
                sides: sides.to_vec(),
                values: vec![40.0; sides.iter().product()],
            })
            .collect();
        let options = OnnxOptions { output, ..OnnxOptions::default() };
        recognise(&given, [192, 256], &Metadata::default(), &options, &mut Vec::new())
    }

    #[test]
    fn outputs_are_recognised_by_their_shapes() {
        let layout = |shapes: &[(&str, &[usize])]| {
            let output = found(shapes, None).unwrap();
            (output.at, output.keypoints, output.layout)
        };
        // RTMPose, whatever its outputs are called, in either order if they are named.
        let (x, y): (&[usize], &[usize]) = (&[1, 26, 384], &[1, 26, 512]);
        assert_eq!(layout(&[("a", x), ("b", y)]), (0, 26, Layout::Simcc { rows: 1 }));
        let named = layout(&[("simcc_y", y), ("simcc_x", x)]);
        assert_eq!(named, (1, 26, Layout::Simcc { rows: 0 }));
        assert_eq!(layout(&[("out", &[1, 1, 17, 3])]), (0, 17, Layout::Movenet));
        let maps = Layout::Heatmaps { to_border: false };
        assert_eq!(layout(&[("other", &[1, 5]), ("out", &[1, 17, 64, 48])]), (1, 17, maps));
        let triples = Layout::Keypoints { shares: false };
        assert_eq!(layout(&[("out", &[1, 17, 3])]), (0, 17, triples));
        let rows = Layout::EndToEnd { values: 3 };
        assert_eq!(layout(&[("out", &[1, 300, 57])]), (0, 17, rows));
        let raw = Layout::Raw { classes: 1, values: 3 };
        assert_eq!(layout(&[("out", &[1, 56, 8400])]), (0, 17, raw));
    }

    #[test]
    fn what_is_not_known_is_shown() {
        let (said, _) = found(&[("out", &[1, 195]), ("flag", &[1, 1])], None).unwrap_err();
        assert_eq!(said, "gives \"out\" [1, 195], \"flag\" [1, 1], none of which is known");
        let (said, remedy) =
            found(&[("out", &[1, 17, 3])], Some(OutputKind::Heatmaps)).unwrap_err();
        assert_eq!(said, "gives \"out\" [1, 17, 3], none of which is heatmaps");
        assert!(remedy.contains("heatmaps, simcc, keypoints, yolo, movenet (--output KIND)"));
        // Columns twice as fine as rows are.
        let uneven = [("simcc_x", &[1, 17, 768][..]), ("simcc_y", &[1, 17, 512])];
        assert!(found(&uneven, Some(OutputKind::Simcc)).is_err());
    }
}
