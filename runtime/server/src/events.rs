//! `/events`: publishing and reading.

mod publish;
mod read;
mod stream;

pub use publish::{__path_publish, publish};
pub use read::{__path_read, read};
