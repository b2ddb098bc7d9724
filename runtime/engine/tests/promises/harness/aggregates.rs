//! Aggregates: how tests declare them, and what theirs decide and fold.

use camshaft_engine::{Attempt, CommandState, ConsumerSpec, Fact};
use camshaft_event::{
    AfterDeadLetter, Answer, AttemptContext, Event, NewEvent, NewFact, Offset, Role, Scope, ScopeVersion,
    StoredScope,
};
use camshaft_tables::Decision;

use super::handlers::Fold;
use super::{World, command, done, owner};

/// The type of the facts of [`bank`].
pub const MOVED: &str = "thing.moved";

/// An aggregate that decides commands of type `thing.do` and records facts of type [`MOVED`].
pub fn bank() -> ConsumerSpec {
    let mut bank = owner("bank", &["thing.do"]);
    bank.policy.after_dead_letter = AfterDeadLetter::Continue;
    bank.publishes = Some(vec![MOVED.parse().unwrap()]);
    if let Role::Aggregate { records, scopes, .. } = &mut bank.role {
        records.push(MOVED.to_owned());
        scopes.insert("thing.do".to_owned(), "account".to_owned());
    }
    bank
}

pub fn account(id: &str) -> Scope {
    Scope::new("account", id).unwrap()
}

/// A fact with the id of its command as data.
pub fn fact(event: &Event, about: &[&str]) -> NewFact {
    let new = NewEvent { event_type: MOVED.to_owned(), data: event.id.clone().into(), ..NewEvent::default() };
    NewFact { event: new, about: about.iter().map(|id| account(id)).collect() }
}

/// Records one fact about the accounts that the subject lists, and answers with the fold of the first one
/// before it.
pub fn move_all(event: &Event, attempt: &mut Attempt) -> Answer {
    let ids: Vec<&str> = event.subject.as_deref().unwrap().split(' ').collect();
    let before = attempt.load(&account(ids[0])).map(Option::unwrap_or_default);
    let Ok(before) = before else { return done() };
    if attempt.record(fact(event, &ids)).is_err() {
        return done();
    }
    attempt.answer(Ok(before)).unwrap();
    folded(attempt)
}

/// Folds the recorded facts.
pub fn folded(attempt: &mut Attempt) -> Answer {
    let fold = if attempt.config("form").is_some() { bracketed } else { list };
    let folded = attempt.fold_facts(&mut |touched| fold(touched.fold.as_deref(), &touched.facts));
    folded.map_or_else(|answer| answer, |()| done())
}

/// The fold of every account: the data of its facts, in order.
pub fn list(fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
    let parts = fold.into_iter().chain(facts.iter().map(|fact| fact.data.as_slice()));
    Ok(parts.collect::<Vec<_>>().join(&b' '))
}

/// The fold of every account in the next revision: the same in brackets.
pub fn bracketed(fold: Option<&[u8]>, facts: &[Event]) -> Result<Vec<u8>, Answer> {
    let inner = fold.map(|fold| &fold[1..fold.len() - 1]);
    Ok([b"[", list(inner, facts)?.as_slice(), b"]"].concat())
}

impl World {
    /// A world with the aggregate [`bank`].
    pub fn with_bank() -> Self {
        let mut world = Self::new();
        world.attach(bank(), move_all);
        world
    }

    /// Attaches the next revision of [`bank`], whose folds `evolve` makes.
    pub fn revise(&mut self, evolve: Fold) {
        let config = std::iter::once(("form".to_owned(), "brackets".to_owned())).collect();
        let revised =
            ConsumerSpec { state_revision: 1, digest: "2".into(), version: "2".into(), config, ..bank() };
        self.attach(revised, move_all);
        self.plugins.get_mut("bank").unwrap().evolve = Some(evolve);
    }

    /// Lets consumers read the sent commands.
    pub fn arrive(&mut self) {
        self.sync();
        self.read();
    }

    /// Sends a command about these accounts, separated by spaces.
    pub fn transfer(&mut self, id: &str, accounts: &str) -> Offset {
        self.send(id, accounts).offset
    }

    /// Sends a command that expects these versions.
    pub fn transfer_if(&mut self, id: &str, accounts: &str, expect: &str) -> Offset {
        let mut expecting = command(id, accounts);
        expecting.set_extension("expect", expect);
        self.try_send(vec![expecting]).unwrap()[0].offset
    }

    /// The account as it is stored.
    pub fn account(&self, id: &str) -> Option<StoredScope> {
        let space = self.sequencer().state_space("bank").unwrap();
        let reader = self.shared();
        let value = camshaft_engine::StateReader::state(&reader, space, account(id).name().as_bytes());
        value.unwrap().map(|found| StoredScope::from_bytes(&found.value).unwrap())
    }

    /// The fold of an account, as text.
    pub fn fold(&self, id: &str) -> String {
        String::from_utf8(self.account(id).unwrap().fold).unwrap()
    }

    pub fn facts(&self, id: &str) -> Vec<Fact> {
        let bank = self.sequencer().state_space("bank").unwrap().consumer;
        let version = self.account(id).map_or(0, |account| account.version);
        self.shared().facts(bank, &account(id), 0, usize::try_from(version).unwrap()).unwrap()
    }

    /// The whole decision about the command at `offset`.
    pub fn decided(&self, offset: Offset) -> Decision {
        match self.shared().command_state(offset).unwrap() {
            Some(CommandState::Decided(decision)) => decision,
            other => panic!("{other:?}"),
        }
    }

    /// The scopes of the decision about the command at `offset`, with their versions.
    pub fn versions(&self, offset: Offset) -> String {
        ScopeVersion::list(&self.decided(offset).scopes)
    }

    /// Why the command at `offset` is a dead letter.
    pub fn why_dead(&self, offset: Offset) -> String {
        let (_, letter) = self.dead("bank").into_iter().find(|(at, _)| *at == offset).unwrap();
        letter.history.latest().unwrap().error.clone()
    }
}
