//! `events.out.tfevents.*`: what TensorBoard shows of a run.
//!
//! A file is a sequence of records, each a length, a checksum of it, a message, and a checksum of
//! that. One is begun whenever the run is begun or gone on with; it is named after the step.

mod proto;

use super::RunDirectory;
use marionette_base::atomic_file::PathError;
use prost::Message;
use proto::{Event, Histogram, Image, Of, SessionLog, Summary, Value, What};
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    time::Instant,
};

/// How the files' names begin; the step and [`ENDING`] follow.
const PREFIX: &str = "events.out.tfevents.";
const ENDING: &str = ".marionette";

/// A file that TensorBoard reads.
pub struct EventFile {
    path: PathBuf,
    file: File,
    began: Instant,
}

/// Numbers from 0 to 1, counted in equal bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How many there are in each bin.
    pub bins: Vec<f64>,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Counted {
    /// None yet, in `bins` bins.
    pub fn new(bins: usize) -> Self {
        Counted { bins: vec![0.0; bins], sum: 0.0, squares: 0.0 }
    }

    /// A distribution over equal bins as `count` numbers.
    pub fn of_shares(shares: &[f32], count: f64) -> Self {
        let mut counted = Counted::new(shares.len());
        for (bin, share) in shares.iter().enumerate() {
            let (weight, middle) =
                (count * f64::from(*share), (bin as f64 + 0.5) / shares.len() as f64);
            counted.bins[bin] = weight;
            counted.sum += weight * middle;
            counted.squares += weight * middle * middle;
        }
        counted
    }

    /// Counts a number.
    pub fn add(&mut self, value: f32) {
        let value = f64::from(value.clamp(0.0, 1.0));
        let last = self.bins.len().saturating_sub(1);
        if let Some(bin) = self.bins.get_mut(((value * (last + 1) as f64) as usize).min(last)) {
            *bin += 1.0;
            self.sum += value;
            self.squares += value * value;
        }
    }

    fn message(&self) -> Histogram {
        let limit = |bin: usize| (bin + 1) as f64 / self.bins.len() as f64;
        Histogram {
            min: 0.0,
            max: 1.0,
            num: self.bins.iter().sum(),
            sum: self.sum,
            sum_squares: self.squares,
            bucket_limit: (0..self.bins.len()).map(limit).collect(),
            bucket: self.bins.clone(),
        }
    }
}

impl EventFile {
    /// Begins a file in the directory of `run`, which stands at `step`. Files that were begun there
    /// or later go.
    ///
    /// # Errors
    /// If one cannot be removed or the new one cannot be written.
    pub fn begin(run: &RunDirectory, step: u64) -> Result<Self, PathError> {
        for entry in fs::read_dir(run.path()).map_err(PathError::at(run.path(), "read"))?.flatten()
        {
            let name = entry.file_name();
            let begun =
                name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(ENDING));
            if begun.and_then(|begun| begun.parse::<u64>().ok()).is_some_and(|begun| begun >= step)
            {
                fs::remove_file(entry.path()).map_err(PathError::at(&entry.path(), "removed"))?;
            }
        }
        let path = run.path().join(format!("{PREFIX}{step:010}{ENDING}"));
        let file = File::create(&path).map_err(PathError::at(&path, "written"))?;
        let mut events = EventFile { path, file, began: Instant::now() };
        events.write(0, What::FileVersion("brain.Event:2".to_owned()))?;
        events.write(step + 1, What::SessionLog(SessionLog { status: 1 }))?;
        Ok(events)
    }

    /// Writes numbers by name.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn scalars(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (String, f64)>,
    ) -> Result<(), PathError> {
        let value = |(tag, value)| Value { tag, of: Some(Of::Scalar(value as f32)) };
        self.summary(step, values.into_iter().map(value).collect())
    }

    /// Writes distributions by name.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn histograms(
        &mut self,
        step: u64,
        all: impl IntoIterator<Item = (String, Counted)>,
    ) -> Result<(), PathError> {
        let value = |(tag, counted): (String, Counted)| Value {
            tag,
            of: Some(Of::Histogram(counted.message())),
        };
        self.summary(step, all.into_iter().map(value).collect())
    }

    /// Writes a picture, given as the bytes of a PNG file.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn picture(&mut self, step: u64, tag: &str, png: Vec<u8>) -> Result<(), PathError> {
        let size = image::ImageReader::new(std::io::Cursor::new(&png))
            .with_guessed_format()
            .ok()
            .and_then(|reader| reader.into_dimensions().ok());
        let (width, height) = size.unwrap_or_default();
        let image =
            Image { height: height as i32, width: width as i32, colorspace: 3, encoded: png };
        self.summary(step, vec![Value { tag: tag.to_owned(), of: Some(Of::Image(image)) }])
    }

    fn summary(&mut self, step: u64, value: Vec<Value>) -> Result<(), PathError> {
        self.write(step, What::Summary(Summary { value }))
    }

    fn write(&mut self, step: u64, what: What) -> Result<(), PathError> {
        // Dates are left out of all files: times count from the beginning.
        let wall_time = self.began.elapsed().as_secs_f64();
        let event = Event { wall_time, step: step as i64, what: Some(what) };
        // One write: a kill leaves whole records.
        self.file
            .write_all(&record(&event.encode_to_vec()))
            .map_err(PathError::at(&self.path, "written"))
    }
}

/// A record of `data`.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_checksum(&length), data, &masked_checksum(data)].concat()
}

/// The CRC-32C of `bytes`, turned and moved as the format wants it, so that a checksum of data with
/// checksums in it is no special case.
fn masked_checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_carry_their_length_and_masked_checksums() {
        // The check value of CRC-32C is 0xe3069283 for these nine bytes (RFC 3720, B.4).
        let found = record(b"123456789");
        assert_eq!((&found[..8], &found[12..21]), (&9u64.to_le_bytes()[..], &b"123456789"[..]));
        assert_eq!(found[21..], 0xc78a_b0e5_u32.to_le_bytes());
        assert_eq!(found[8..12], masked_checksum(&9u64.to_le_bytes()));
    }

    #[test]
    fn a_run_that_is_set_back_leaves_no_later_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), "").unwrap();
        let run = RunDirectory::at(folder.path()).unwrap();
        let begun = |step| {
            let mut file = EventFile::begin(&run, step).unwrap();
            file.scalars(step + 1, [("loss".to_owned(), 1.0)]).unwrap();
        };
        [0, 4, 10].into_iter().for_each(begun);
        fs::write(folder.path().join("events.out.tfevents.of.somebody"), "").unwrap();
        begun(4);
        let mut names: Vec<_> = (fs::read_dir(folder.path()).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            "config.toml",
            "events.out.tfevents.0000000000.marionette",
            "events.out.tfevents.0000000004.marionette",
            "events.out.tfevents.of.somebody",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn numbers_are_counted_where_they_lie() {
        let mut counted = Counted::new(4);
        [0.0, 0.1, 0.3, 1.0, 7.0].into_iter().for_each(|value| counted.add(value));
        assert_eq!(counted.bins, [2.0, 1.0, 0.0, 2.0]);
        assert!((counted.sum - 2.4).abs() < 1e-6);
        let message = counted.message();
        assert_eq!((message.num, message.bucket_limit), (5.0, vec![0.25, 0.5, 0.75, 1.0]));
        let even = Counted::of_shares(&[0.5, 0.5], 10.0);
        assert_eq!((even.bins, even.sum), (vec![5.0, 5.0], 5.0));
    }
}
