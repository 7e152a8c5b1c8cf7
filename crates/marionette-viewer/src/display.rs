//! Looks for a display before a window is opened: without one the event loop panics.

use crate::error::ViewerError;

/// Looks for a display that a window can be opened on.
///
/// # Errors
/// Where there is none, with what was looked for.
#[cfg(all(unix, not(target_os = "macos")))]
pub fn check_display() -> Result<(), ViewerError> {
    use std::{
        net::TcpStream,
        os::unix::net::UnixStream,
        path::{Path, PathBuf},
    };
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut tried = Vec::new();
    if let Some(name) = set("WAYLAND_DISPLAY") {
        let folder = set("XDG_RUNTIME_DIR").unwrap_or_default();
        let socket: PathBuf = Path::new(&folder).join(&name);
        match UnixStream::connect(&socket) {
            Ok(_) => return Ok(()),
            Err(error) => tried.push(format!(
                "WAYLAND_DISPLAY is {name}, and {} does not answer: {error}",
                socket.display()
            )),
        }
    }
    match set("DISPLAY") {
        None if tried.is_empty() => {
            tried.push("neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned())
        }
        None => {}
        Some(display) => {
            let (host, rest) = display.rsplit_once(':').unwrap_or(("", &display));
            let number: Option<u16> = rest.split('.').next().and_then(|number| number.parse().ok());
            let answer = match number {
                None => Err("it names no display such as :0".to_owned()),
                Some(number) if host.is_empty() || host == "unix" => {
                    let path = format!("/tmp/.X11-unix/X{number}");
                    let named = UnixStream::connect(&path).map(drop);
                    named
                        .or_else(|error| abstract_socket(&path).ok_or(error))
                        .map_err(|error| format!("{path}: {error}"))
                }
                Some(number) => TcpStream::connect((host, 6000 + number))
                    .map(drop)
                    .map_err(|error| error.to_string()),
            };
            match answer {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tried.push(format!("DISPLAY is {display}, and does not answer: {error}"))
                }
            }
        }
    }
    Err(ViewerError::NoDisplay(tried.join("; ")))
}

/// X servers on Linux listen in the abstract name space as well.
#[cfg(all(unix, not(target_os = "macos")))]
fn abstract_socket(path: &str) -> Option<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::{
            linux::net::SocketAddrExt,
            unix::net::{SocketAddr, UnixStream},
        };
        let address = SocketAddr::from_abstract_name(path).ok()?;
        UnixStream::connect_addr(&address).ok().map(drop)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

/// Looks for a display that a window can be opened on: here there always is one.
///
/// # Errors
/// None.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn check_display() -> Result<(), ViewerError> {
    Ok(())
}
