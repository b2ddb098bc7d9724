//! The errors of the runtime's operations: one enum per operation, each variant with its code in the
//! catalogue. One type, [`Unavailable`], has the reasons for which the runtime cannot serve any operation.

mod command;
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
mod scope;
mod state;
mod unavailable;
mod version;

pub use command::CommandError;
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
pub use scope::ScopeError;
pub use state::StateError;
pub use unavailable::Unavailable;
pub use version::VersionError;

/// The error text of the operating system, for use in a message: in lower case, without the error number.
#[must_use]
pub fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect()
}
