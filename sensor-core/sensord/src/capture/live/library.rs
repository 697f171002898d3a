//! Finds the capture library. On Windows it is Npcap's, is linked with delay and so needn't be there; elsewhere it is
//! linked as any other.

use super::LiveError;

/// Has to be called before anything of the `pcap` crate; may be called again.
#[cfg(not(windows))]
pub(super) fn load() -> Result<(), LiveError> {
    Ok(())
}

/// Has to be called before anything of the `pcap` crate; may be called again.
///
/// The two libraries are loaded by their full path, so that neither the current folder nor `PATH` can put others in
/// their place; the delayed import then finds them loaded.
#[cfg(windows)]
pub(super) fn load() -> Result<(), LiveError> {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let outcome = LOADED.get_or_init(|| {
        let root = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
        let system = root.join("System32");
        // Npcap's own folder, and System32, where its WinPcap-compatible mode puts them.
        let folders = [system.join("Npcap"), system];
        let mut cause = String::from("wpcap.dll is not in System32\\Npcap");
        for folder in folders.iter().filter(|folder| folder.join("wpcap.dll").is_file()) {
            // wpcap.dll needs Packet.dll: first that one, where it is a file of its own.
            let names: &[&str] =
                if folder.join("Packet.dll").is_file() { &["Packet.dll", "wpcap.dll"] } else { &["wpcap.dll"] };
            let loaded = names.iter().try_for_each(|name| {
                let path = folder.join(name);
                winsafe::HINSTANCE::LoadLibrary(&path.to_string_lossy()).map(std::mem::forget)
            });
            match loaded {
                Ok(()) => return Ok(()),
                Err(error) => cause = format!("{}: {error}", folder.display()),
            }
        }
        Err(cause)
    });
    outcome.clone().map_err(|cause| LiveError::Library { cause })
}
