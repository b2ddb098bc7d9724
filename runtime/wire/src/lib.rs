//! The types that cross HTTP: requests, responses and the catalogue of errors.
//!
//! The library builds these values and the server serializes them. The command line reads them back and
//! prints them with `--json`. Adding a field is compatible; renaming one is not. This crate does not know the
//! engine or the plugin host.

mod activation;
mod command;
mod consumer;
mod cursor;
mod dead_letter;
mod delivery;
mod error_code;
mod event;
mod exit_code;
mod health;
mod held;
pub mod moment;
mod page;
mod plugin;
mod problem;
mod redrive;
mod reset;
mod scope;
mod state;
mod whole;

pub use activation::{ActivationView, MeasureView, OutcomeView, PinRequest, ProbationView, RollbackRequest};
pub use command::{
    AnswerView, CommandStatus, CommandView, Commands, FactsView, MismatchView, RefusedView, ScopeVersionView,
};
pub use consumer::{
    ConsumerStatusView, ConsumerView, DamageView, Oldest, OldestHeldView, PauseView, SkipRequest, SkipView,
    WaitsForView,
};
pub use cursor::{Cursor, LogId, NotACursor, Seen};
pub use dead_letter::{
    AttemptView, DeadLetterQuery, DeadLetterSummary, DeadLetterView, InputView, InputsView, RedrivenStatus,
    RedrivenView, WaitingView,
};
pub use delivery::{DeliveryStatus, DeliveryView, EventView, HeldBecause, PublishedView};
pub use error_code::ErrorCode;
pub use event::{Receipt, Receipts, StoredEvent};
pub use exit_code::ExitCode;
pub use health::{AllFactsView, Closed, Health, HealthStatus, RetentionView, SyncView};
pub use held::HeldEventView;
pub use page::{Items, Page};
pub use plugin::{
    FileWarningView, LastError, LimitsView, PluginFileView, PluginStatus, PluginView, PluginsView,
    RefusalView, SettingView, SubscriptionView, WaitingVersionView,
};
pub use problem::{PROBLEM_MEDIA_TYPE, ProblemDocument};
pub use redrive::{RedrivePreview, RedriveRequest, RedriveStatusView, RedriveView, parse_reason};
pub use reset::{ResetPlace, ResetRequest, ResetView};
pub use scope::{FactView, ScopeEntryView, ScopeView};
pub use state::{Encoding, StateEntryView, state_json};
