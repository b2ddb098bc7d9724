//! `/events`: publishing and reading.

mod publish;
mod read;
mod stream;
mod webhook;

pub use publish::{__path_publish, publish};
pub use read::{__path_read, read};
pub use webhook::{__path_handshake, handshake};
