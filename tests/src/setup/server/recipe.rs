//! What differs between one server product and the next. The files that implement it run in parallel.

use std::fmt::{Debug, Display};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use crate::setup::Skip;

/// How to make, start, reach and stop a server of one product.
pub(super) trait Recipe: Debug + Send + Sync {
    /// Its name in messages.
    fn product(&self) -> &'static str;

    /// The account it runs as when this process is root.
    fn account(&self) -> &'static str;

    /// The signal that makes it end quickly and cleanly.
    fn stop_signal(&self) -> &'static str;

    /// The command line that makes the data folder, if one is needed. Programs are named by absolute path.
    fn initialise(&self, data: &Path) -> Option<Vec<String>>;

    /// The command line of the server itself, in the foreground.
    fn serve(&self, data: &Path, port: u16) -> Vec<String>;

    /// Whether it takes connections. `process` is the server's.
    fn is_ready<'a>(
        &'a self,
        data: &'a Path,
        port: u16,
        process: u32,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

    /// What to connect to.
    fn url(&self, port: u16) -> String;

    /// The skip that says what this server did not do.
    fn failed(&self, what: &str, detail: &dyn Display) -> Skip {
        Skip::new(format!("a private {} {what}: {detail}", self.product()))
    }
}

/// A path as an argument. The scratch folder's name is ours; its parent's is the environment's.
pub(super) fn argument(path: &Path) -> String {
    path.to_str()
        .expect("the temporary folder has a name in UTF-8")
        .to_owned()
}
