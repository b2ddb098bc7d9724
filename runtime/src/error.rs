//! What each operation of the runtime can answer instead of a result: one enum per operation, each fact with
//! its code of the catalogue. What keeps the runtime from serving any operation is one type, [`Unavailable`].

mod consumer;
mod dead_letter;
mod deploy;
mod event;
mod held;
mod load;
mod open;
mod publish;
mod read;
mod redrive;
mod state;
mod unavailable;
mod version;

pub use consumer::ConsumerError;
pub use dead_letter::DeadLetterError;
pub use deploy::DeployError;
pub use event::EventError;
pub use held::HeldError;
pub use load::LoadError;
pub use open::OpenError;
pub use publish::PublishError;
pub use read::ReadError;
pub use redrive::RedriveError;
pub use state::StateError;
pub use unavailable::Unavailable;
pub use version::VersionError;

/// What the operating system says, as part of a message: lower case, without its number.
#[must_use]
pub fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}
