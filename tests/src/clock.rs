//! A wall clock that a test sets, under programs that do not know of it.

use std::path::PathBuf;
use tempfile::TempDir;

/// The time of day of whoever is started with its variables; what measures spans goes on undisturbed, as it
/// does in the kernel.
pub struct FalseClock {
    library: PathBuf,
    directory: TempDir,
}

impl FalseClock {
    /// # Errors
    /// Debian's package `faketime` is not installed.
    pub fn new() -> Result<Self, String> {
        let libraries = std::fs::read_dir("/usr/lib").map_err(|error| format!("/usr/lib: {error}"))?;
        let library = libraries.filter_map(Result::ok).map(|e| e.path().join("faketime/libfaketimeMT.so.1"));
        let library = library.into_iter().find(|path| path.exists());
        let library = library.ok_or("libfaketime is missing: apt-get install faketime")?;
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let clock = Self { library, directory };
        clock.shift(0);
        Ok(clock)
    }

    /// So many seconds ahead of the true time, or behind it. It counts at once.
    pub fn shift(&self, seconds: i64) {
        // Renamed into place, so that nobody reads half of it.
        let (new, file) = (self.directory.path().join("new"), self.file());
        std::fs::write(&new, format!("{seconds:+}\n")).expect("a temporary file can be written");
        std::fs::rename(new, file).expect("a temporary file can be renamed");
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("clock")
    }

    pub fn variables(&self) -> Vec<(String, String)> {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let pairs = [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file())),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}
