//! `/events`: publishing and reading.

mod publish;
mod read;
mod stream;

pub use publish::{__path_publish, publish};
pub use read::{__path_read, read};

/// Whether only the runtime publishes events of this type.
#[must_use]
pub fn is_system(event_type: &str) -> bool {
    event_type == "camshaft" || event_type.starts_with("camshaft.")
}
