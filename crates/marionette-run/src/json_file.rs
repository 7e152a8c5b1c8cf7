//! The JSON files in a run's folder.

use super::{RunDirectory, RunError};
use marionette_base::atomic_file::{PathError, folder_of, read_file, write_atomic};
use serde::{Serialize, de::DeserializeOwned};
use std::{fs, io};

/// The largest file that is read, bytes.
const LARGEST: u64 = 64 << 20;

impl RunDirectory {
    /// Writes `value` as JSON to the file of this name in the folder; folders in the name are made
    /// as needed.
    ///
    /// # Errors
    /// If the value does not fit into JSON or the file cannot be written, naming the file.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        let path = self.path().join(name);
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| RunError::Content {
            path: path.clone(),
            message: error.to_string(),
        })?;
        text.push(b'\n');
        fs::create_dir_all(folder_of(&path)).map_err(PathError::at(&path, "written"))?;
        Ok(write_atomic(&path, &text)?)
    }

    /// What the JSON file of this name in the folder holds; `None` where there is none.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else, naming the file and the line.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.path().join(name);
        let bytes = match read_file(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| RunError::Damaged {
            path,
            found: format!("is not what a run writes: {error}"),
            remedy: "put the file back as it was, or delete it".to_owned(),
        })
    }
}
