//! Where fetched rules are kept: a file as it came, and beside it what is known of it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sensor_wire::view::RuleKept;
use tempfile::TempDir;

use super::fetch::file_name;

/// A folder of fetched files, by their addresses.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// Ends with the app, where nothing is kept.
    _passing: Option<TempDir>,
}

impl Shelf {
    /// In the folder of the app's data; where there is none, in a folder that ends with the app.
    pub fn open(data: Option<&Path>) -> io::Result<Shelf> {
        match data {
            Some(data) => Ok(Shelf { folder: data.join("rules"), _passing: None }),
            None => {
                let passing = TempDir::with_prefix("nightjar-rules-")?;
                Ok(Shelf { folder: passing.path().to_owned(), _passing: Some(passing) })
            }
        }
    }

    /// The file of an address; it is there if [`Shelf::kept`] knows it.
    pub fn file(&self, address: &str) -> PathBuf {
        self.folder.join(file_name(address)).with_extension("rules")
    }

    fn note(&self, address: &str) -> PathBuf {
        self.folder.join(file_name(address)).with_extension("json")
    }

    /// What is kept of an address. A file that was cut or taken away is none.
    pub fn kept(&self, address: &str) -> Option<RuleKept> {
        let kept: RuleKept = serde_json::from_slice(&fs::read(self.note(address)).ok()?).ok()?;
        let length = self.file(address).metadata().ok()?.len();
        (length == kept.bytes).then_some(kept)
    }

    /// Keeps a file in place of the one before; each whole or not at all.
    pub fn put(&self, address: &str, bytes: &[u8], kept: &RuleKept) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        whole(&self.file(address), bytes)?;
        self.note_down(address, kept)
    }

    /// Keeps what is known of a file.
    pub fn note_down(&self, address: &str, kept: &RuleKept) -> io::Result<()> {
        whole(&self.note(address), &serde_json::to_vec_pretty(kept)?)
    }

    /// Takes away what is kept of an address.
    pub fn remove(&self, address: &str) {
        for path in [self.note(address), self.file(address)] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "fetched rules could not be taken away");
            }
        }
    }
}

fn whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes)?;
    fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_with_what_is_known_of_it_and_a_cut_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(Some(folder.path())).unwrap();
        let address = "https://rules.example/a.tar.gz?code=1";
        assert_eq!(shelf.kept(address), None);
        let kept = RuleKept { fetched: 7, looked: 9, bytes: 5, md5: "00".into(), verified: true, etag: "\"a\"".into() };
        shelf.put(address, b"12345", &kept).unwrap();
        assert_eq!(shelf.kept(address), Some(kept.clone()));
        assert_eq!(shelf.kept("https://rules.example/b"), None);
        let again = Shelf::open(Some(folder.path())).unwrap();
        assert_eq!((again.kept(address), fs::read(again.file(address)).unwrap()), (Some(kept), b"12345".to_vec()));
        fs::write(again.file(address), b"123").unwrap();
        assert_eq!(again.kept(address), None);
        again.remove(address);
        assert_eq!(fs::read_dir(folder.path().join("rules")).unwrap().count(), 0);
    }

    #[test]
    fn without_a_folder_all_ends_with_the_app() {
        let shelf = Shelf::open(None).unwrap();
        shelf.put("https://a", b"", &RuleKept::default()).unwrap();
        let file = shelf.file("https://a");
        assert!(file.is_file() && shelf.kept("https://a").is_some());
        drop(shelf);
        assert!(!file.exists());
    }
}
