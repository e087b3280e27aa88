//! Where the segments are: a folder of files, behind a trait so that tests can make it fail.
use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The folder of a journal.
pub(crate) trait Folder: Send + Sync + fmt::Debug {
    /// The names of its files.
    fn names(&self) -> io::Result<Vec<String>>;

    /// All bytes of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes a file, which must not be there.
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>>;

    /// Cuts a file to `length` bytes, for good.
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes what was created and removed last.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is appended to.
pub(crate) trait Segment: Send {
    /// Writes all bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when they would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder on disk, locked against other processes.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    /// Locked until it is closed, however the process ends.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// Another process has it.
    Locked,
    /// It cannot be made or written to.
    Io(io::Error),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Disk {
    /// Opens the folder `path`, and makes it if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, NotOpened> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NotOpened::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let disk = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            sync_folder(parent)?;
        }
        Ok(disk)
    }
}

/// A folder's entries are written by syncing the folder itself, where the system opens folders as files.
fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

impl Folder for Disk {
    fn names(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path.join(name))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(self.path.join(name))?;
        Ok(Box::new(file))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path.join(name))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }
}

impl Segment for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
