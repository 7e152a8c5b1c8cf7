//! The JSON files in a run's folder.

use super::{RunDirectory, RunError};
use marionette_base::atomic_file::{make_folder_of, read_file, write_atomic};
use marionette_base::json_file::{SCHEMA_VERSION, json_text};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;

/// The largest file that is read, bytes.
const LARGEST: u64 = 64 << 20;

/// What a file says of itself. Those that were written before there were versions say nothing.
#[derive(Deserialize)]
struct Version {
    schema_version: Option<u32>,
}

impl RunDirectory {
    /// Writes `value`, a struct, as JSON with a version to the file of this name in the folder;
    /// folders in the name are made as needed.
    ///
    /// # Errors
    /// If the value does not fit into JSON or the file cannot be written, naming the file.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        let path = self.path().join(name);
        let text = json_text(value).map_err(|error| RunError::Content {
            path: path.clone(),
            message: error.to_string(),
        })?;
        make_folder_of(&path)?;
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// What the JSON file of this name in the folder holds; `None` where there is none.
    ///
    /// # Errors
    /// If the file cannot be read, holds something else or is of a later version, naming the file
    /// and the line.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RunError> {
        let path = self.path().join(name);
        let bytes = match read_file(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match serde_json::from_slice(&bytes) {
            Ok(Version { schema_version: Some(version) }) if version > SCHEMA_VERSION => {
                return Err(RunError::Damaged {
                    path,
                    found: format!("is of schema version {version}, and this is {SCHEMA_VERSION}"),
                    remedy: "use the version of this program that wrote it".to_owned(),
                });
            }
            // What is wrong with it is said of the whole.
            _ => {}
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| RunError::Damaged {
            path,
            found: format!("is not what a run writes: {error}"),
            remedy: "put the file back as it was, or delete it".to_owned(),
        })
    }
}
