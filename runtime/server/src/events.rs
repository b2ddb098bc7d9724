//! `/events`: publishing and reading events.

mod publish;
mod read;
mod show;
mod stream;
mod webhook;

pub use publish::{__path_publish, publish};
pub(crate) use publish::{ReceivedEvents, receive};
pub use read::{__path_read, read};
pub use show::{__path_find, __path_show, find, show};
pub use webhook::{__path_handshake, handshake};
