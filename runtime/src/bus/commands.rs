//! Commands: sent, waited for, and shown.

use std::time::Duration;

use camshaft_engine::{CommandState, WaitsFor};
use camshaft_event::{CommandOutcome, EXPECT, Event, InvalidScope, Offset, Scope, ScopeVersion};
use camshaft_tables::Decision;
use tokio::time::{Instant, timeout_at};

use super::{Runtime, shown};
use crate::view::{
    AnswerView, CommandStatus, CommandView, FactsView, MismatchView, Receipt, ScopeVersionView,
};
use crate::{CommandError, PublishError, Unavailable};

impl Runtime {
    /// Sends a command to the consumer that owns its type, and waits up to `wait` for the answer. Returns the
    /// answer, or the state of the command when the wait ends or the command is a dead letter. A command with
    /// a known source and id is not executed again: its first answer is returned.
    ///
    /// The command and its answer are durable when this returns. If the future is dropped, the command may
    /// have been sent; send it again with the same id to learn what became of it.
    ///
    /// # Errors
    /// See [`PublishError`]. Nothing is sent then, unless the runtime ends during the wait
    /// ([`PublishError::Unavailable`]): send the command again with the same id to learn what became of it.
    pub async fn send(&self, command: Event, wait: Duration) -> Result<CommandView, PublishError> {
        let views = self.send_batch(vec![command], wait).await?;
        views.into_iter().next().ok_or(Unavailable::ShuttingDown.into())
    }

    /// Sends commands as one transaction: all of them, or none if one is refused. Each is decided for itself.
    /// Otherwise like [`Runtime::send`]; `wait` is the time for all.
    ///
    /// # Errors
    /// As [`Runtime::send`].
    pub async fn send_batch(
        &self,
        commands: Vec<Event>,
        wait: Duration,
    ) -> Result<Vec<CommandView>, PublishError> {
        let deadline = Instant::now() + wait;
        let receipts = self.submit(commands).await?;
        Ok(self.answers(receipts, deadline.saturating_duration_since(Instant::now())).await?)
    }

    /// Lets a command expect that its declared scope has this version, beside the versions that its extension
    /// `expect` names already. A scope that has another version when the command is decided is the answer
    /// [`AnswerView::Mismatch`].
    ///
    /// # Errors
    /// No consumer owns the command type, its owner declares no scope for it, or the command has no subject.
    pub fn expect(&self, command: &mut Event, version: u64) -> Result<(), PublishError> {
        let command_type = command.event_type.clone();
        let Some(role) = self.0.core.owner_role(&command_type) else {
            return Err(PublishError::NoOwner { index: 0, command_type, owner: None });
        };
        let refuse = |reason: String| PublishError::Expectation { index: 0, reason };
        let scope = role.scope(command).map_err(|error| match error {
            InvalidScope::EmptyId(kind) => refuse(format!(
                "command \"{command_type}\" has no subject, so it names no scope of kind \"{kind}\""
            )),
            error => refuse(error.to_string()),
        })?;
        let undeclared =
            || refuse(format!("the owner of command \"{command_type}\" declares no scope for it"));
        let expected = ScopeVersion { scope: scope.ok_or_else(undeclared)?, version }.to_string();
        let all = match command.extension(EXPECT) {
            Some(named) if named.split(' ').any(|named| named == expected) => return Ok(()),
            Some(named) => format!("{named} {expected}"),
            None => expected,
        };
        command.set_extension(EXPECT, all);
        Ok(())
    }

    /// The scope that the owner of a command's type declares for it: of the declared kind, with the subject
    /// as id. `None` if there is no owner, no declaration or no subject.
    #[must_use]
    pub fn declared_scope(&self, command: &Event) -> Option<Scope> {
        self.0.core.owner_role(&command.event_type)?.scope(command).ok().flatten()
    }

    /// Sends commands as one transaction and waits for no answer. Returns once they are durable.
    ///
    /// # Errors
    /// See [`PublishError`]. Nothing is sent then.
    pub async fn submit(&self, commands: Vec<Event>) -> Result<Vec<Receipt>, PublishError> {
        self.try_publish_commands(commands).await
    }

    /// Waits up to `wait` for the answers of commands that [`Runtime::submit`] sent.
    ///
    /// # Errors
    /// The runtime ended during the wait.
    pub async fn answers(
        &self,
        receipts: Vec<Receipt>,
        wait: Duration,
    ) -> Result<Vec<CommandView>, Unavailable> {
        let deadline = Instant::now() + wait;
        let mut views = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            let view = self.answer(receipt.offset, deadline).await?;
            views.push(CommandView { duplicate: Some(receipt.duplicate), ..view });
        }
        Ok(views)
    }

    /// Shows the command at `offset`.
    ///
    /// # Errors
    /// No command at that offset, a decision older than the retention, or a log or tables that cannot be
    /// read.
    pub async fn command(&self, offset: Offset) -> Result<CommandView, CommandError> {
        let known = self.0.core.read_durably(|sequencer| sequencer.command_state(offset)).await??;
        if let Some(state) = known {
            return Ok(view(offset, Some(state)));
        }
        // No consumer has come to it yet, so the log still holds it.
        let found = match self.read(offset, 1).await {
            Ok(found) => found,
            Err(crate::ReadError::Failed { reason }) => return Err(CommandError::Failed { reason }),
            Err(_) => Vec::new(),
        };
        let is_command =
            |found: &crate::view::StoredEvent| found.offset == offset && found.event.is_command();
        match found.first() {
            Some(found) if is_command(found) => Ok(view(offset, None)),
            _ => Err(CommandError::NotFound { offset }),
        }
    }

    /// The command at `offset` once it is decided or dead, or as it is at `deadline`.
    async fn answer(&self, offset: Offset, deadline: Instant) -> Result<CommandView, Unavailable> {
        let core = &self.0.core;
        let mut awaited = core.decided.register(offset);
        let mut is_last = Instant::now() >= deadline;
        loop {
            let state = core.read_durably(|sequencer| sequencer.command_state(offset)).await?;
            let state = state.map_err(|error| {
                core.fail(error);
                Unavailable::Poisoned
            })?;
            let is_settled = matches!(state, Some(CommandState::Decided(_) | CommandState::Dead { .. }));
            if is_settled || is_last {
                return Ok(view(offset, state));
            }
            // After either it is looked at once more.
            _ = timeout_at(deadline, awaited.woken()).await;
            is_last = true;
        }
    }
}

fn view(offset: Offset, state: Option<CommandState>) -> CommandView {
    let mut view = CommandView::new(offset, CommandStatus::Pending);
    match state {
        None => {}
        Some(CommandState::Decided(decision)) => decided(&mut view, &decision),
        Some(CommandState::Dead { consumer }) => {
            view.state = CommandStatus::Dead;
            view.consumer = Some(consumer);
        }
        Some(CommandState::Held { consumer, waits_for, due }) => {
            view.state = match waits_for {
                WaitsFor::DeadLetter { .. } | WaitsFor::Event { .. } => CommandStatus::Parked,
                WaitsFor::Probation { .. } => CommandStatus::Suspended,
                _ => CommandStatus::Held,
            };
            view.consumer = Some(consumer);
            view.waits_for = Some(shown::waits_for(waits_for));
            view.due = due;
        }
    }
    view
}

fn decided(view: &mut CommandView, decision: &Decision) {
    view.state = CommandStatus::Answered;
    match &decision.outcome {
        CommandOutcome::Accepted { reply } => view.answer = Some(AnswerView::accepted(reply)),
        CommandOutcome::Refused(refusal) => view.answer = Some(AnswerView::Refused(refusal.into())),
        CommandOutcome::Discarded => view.state = CommandStatus::Discarded,
        CommandOutcome::Mismatch { expected, actual } => {
            let (scope, expected) = (expected.scope.to_string(), expected.version);
            view.answer = Some(AnswerView::Mismatch(MismatchView { scope, expected, actual: *actual }));
        }
    }
    view.scopes = decision.scopes.iter().map(ScopeVersionView::from).collect();
    view.facts = decision.facts.checked_sub(1).map(|more| FactsView {
        first: decision.first_fact,
        last: decision.first_fact.plus(u64::from(more)),
    });
}
