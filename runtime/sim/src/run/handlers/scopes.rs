//! What the consumer that decides commands does with its scopes: it reads accounts, records facts about one
//! or two of them, and folds the facts.

use camshaft_engine::Attempt;
use camshaft_event::{AttemptContext, EffectError, NewEvent, NewFact, Scope};

use super::Handlers;
use crate::accounts::{self, ACCOUNTS, MOVED};
use crate::faults::Fault;
use crate::model::Operation;

impl Handlers<'_> {
    /// Reads accounts and records facts. Now and then it records about an account that it does not read.
    pub(super) fn use_accounts(&mut self, attempt: &mut Attempt) -> Result<(), EffectError> {
        for _ in 0..self.run.dice(3) % 3 {
            let account = self.some_account();
            self.let_others_step(attempt);
            let found = attempt.load(&account)?;
            self.record(Operation::Load { scope: account, found });
        }
        for _ in 0..self.run.dice(3) % 3 {
            let mut about = vec![self.some_account()];
            let second = self.some_account();
            if self.run.dice(2) == 0 && !about.contains(&second) {
                self.run.note(Fault::FactAboutTwo);
                about.push(second);
            }
            let event = NewEvent { event_type: MOVED.to_owned(), ..NewEvent::default() };
            self.let_others_step(attempt);
            attempt.record(NewFact { event, about })?;
            self.run.note(Fault::FactRecorded);
        }
        let revision = self.revision;
        let folded = attempt.fold_facts(&mut |touched| {
            Ok(accounts::fold_events(revision, touched.fold.as_deref(), &touched.facts))
        });
        folded.expect("a fold is small");
        Ok(())
    }

    fn some_account(&mut self) -> Scope {
        accounts::account(self.run.dice(ACCOUNTS) % ACCOUNTS)
    }
}
