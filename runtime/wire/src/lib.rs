//! What the runtime shows of itself: the shapes of HTTP answers and of the command line's `--json`.
//!
//! [`Runtime`](crate::Runtime) fills them in, [`api`](crate::api) serializes them, [`cli`](crate::cli) reads them
//! back. Adding a field is compatible; renaming one is not.

mod activation;
mod consumer;
mod dead_letter;
mod event;
mod health;
pub mod moment;
mod page;
mod plugin;
mod redrive;
mod reset;
mod state;

pub use activation::{ActivationView, MeasureView, OutcomeView, PinRequest, ProbationView, RollbackRequest};
pub use consumer::{
    ConsumerStatusView, ConsumerView, DamageView, Oldest, OldestHeldView, PauseView, SkipRequest, SkipView,
    WaitsForView,
};
pub use dead_letter::{
    AttemptView, DeadLetterQuery, DeadLetterSummary, DeadLetterView, InputView, InputsView, WaitingView,
};
pub use event::{Receipt, StoredEvent};
pub use health::{Closed, Health, HealthStatus, RetentionView, SyncView};
pub use page::Page;
pub use plugin::{
    LastError, LimitsView, PluginStatus, PluginView, RefusalView, SubscriptionView, WaitingVersionView,
};
pub(crate) use redrive::parse_reason;
pub use redrive::{RedrivePreview, RedriveRequest, RedriveStatusView, RedriveView};
pub use reset::{ResetPlace, ResetRequest, ResetView};
pub use state::{Encoding, StateEntryView, state_json};
