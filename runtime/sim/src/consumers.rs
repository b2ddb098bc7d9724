//! The consumers of a run: what they want, and by which policy.

use std::collections::BTreeMap;

use camshaft_engine::{ConsumerSpec, EngineOptions, RetentionOptions};
use camshaft_event::{
    AfterDeadLetter, Backoff, Breaker, Delivery, Filter, Policy, Rate, Role, Sink, Start, Subscription,
    TypePattern,
};
use camshaft_log::testing::Random;

use crate::accounts::{ACCOUNT, MOVED};
use crate::sharing::Sharing;

/// The setting of versions that fail most events.
pub(crate) const BAD: &str = "bad";

/// Small bounds, so that each of them is reached.
pub(crate) fn options() -> EngineOptions {
    EngineOptions {
        max_transaction_bytes: 8 * 1024,
        max_event_bytes: 4 * 1024,
        max_state_value_bytes: 6 * 1024,
        max_unsynced_bytes: 48 * 1024,
        max_overlay_bytes: 384 * 1024,
        window_events: 6,
        batch_events: 4,
        max_held_events: 6,
        max_timers: 2,
        max_hops: 2,
        workers: 3,
        detached_retention_ms: 400,
        probation_events: 16,
        probation_ms: 400,
        probation_least_events: 4,
        ..EngineOptions::default()
    }
}

/// In three of four runs what may go soon may go; in the others it stays for most of the run, so that a jump
/// of the clock would take what is young. No jump is trusted before the run has ended.
pub(crate) fn retention(seed: u64) -> RetentionOptions {
    let age_ms = if keeps_long(seed) { 3_000 } else { 5 };
    RetentionOptions { age_ms, max_bytes: None, ..RetentionOptions::default() }
}

/// Whether the log is kept for longer than a few batches.
pub(crate) fn keeps_long(seed: u64) -> bool {
    seed % 4 == 3
}

/// The consumer that decides commands.
pub(crate) const BANK: &str = "bank";

/// The types of its commands. Patterns of other consumers match them, too.
pub(crate) const COMMANDS: [&str; 2] = ["thing.pay", "thing.refund"];

/// The consumer beside the owner that receives commands, and the type of those.
pub(crate) const WITNESS: (&str, &str) = ("comes-late", "thing.pay");

/// Five consumers and two sinks that differ in what delivery does for them, and in how much their handlers
/// share. One decides commands. The last one is not there from the beginning.
pub(crate) fn specs(seed: u64) -> Vec<ConsumerSpec> {
    let mut parks = spec("parks", &["thing.*", MOVED]);
    parks.policy.max_attempts = 3;
    let mut goes_on = spec("goes-on", &["thing.happened", "thing.*", "reminder"]);
    goes_on.policy.after_dead_letter = AfterDeadLetter::Continue;
    goes_on.policy.max_age_ms = 300;
    goes_on.policy.breaker =
        Some(Breaker { failure_percent: 50, attempts: 4, pause_ms: 40, max_pause_ms: 100 });
    let mut follows = spec("follows", &["followed"]);
    follows.policy.partitions = 1;
    follows.policy.rate = Some(Rate { events: 2, per_ms: 50 });
    let mut calls_again = spec("calls-again", &["thing.happened"]);
    let ends_with = |text: &str| Filter::Suffix(BTreeMap::from([("id".to_owned(), text.to_owned())]));
    let some = Filter::Any(["1", "2", "5"].map(ends_with).to_vec());
    calls_again.subscriptions.iter_mut().for_each(|wanted| wanted.filter = Some(some.clone()));
    calls_again.policy.max_attempts = 3;
    calls_again.policy.sink = Some(Sink { delivery: Delivery::AtLeastOnce, max_in_flight: 3 });
    let mut calls_once = spec("calls-once", &["followed"]);
    calls_once.policy.sink = Some(Sink { delivery: Delivery::AtMostOnce, max_in_flight: 3 });
    let mut bank = owning(spec(BANK, &[]), &COMMANDS);
    bank.policy.max_attempts = 2;
    if seed.is_multiple_of(2) {
        bank.policy.after_dead_letter = AfterDeadLetter::Continue;
    }
    let (late, seen) = WITNESS;
    let mut comes_late = spec(late, &["thing.happened", "followed", seen]);
    comes_late.subscriptions.iter_mut().for_each(|subscription| subscription.commands = true);
    comes_late.start = Start::Latest;
    comes_late.policy.rate = Some(Rate { events: 5, per_ms: 60 });
    comes_late.publishes = Some(vec![pattern("followed"), pattern("reminder")]);
    let mut specs = vec![parks, goes_on, follows, calls_again, calls_once, bank, comes_late];
    let mut random = Random::from_seed(seed.rotate_left(32));
    specs.iter_mut().for_each(|spec| Sharing::choose(&mut random).write_to(&mut spec.config));
    specs
}

/// The same consumer with newer code. Each third version is a bad one; now and then one has another form of
/// state, or decides fewer types of commands.
pub(crate) fn replaced(spec: &ConsumerSpec, version: u64) -> ConsumerSpec {
    let mut config = spec.config.clone();
    config.remove(BAD);
    if version.is_multiple_of(3) {
        config.insert(BAD.to_owned(), String::new());
    }
    let next = ConsumerSpec {
        version: format!("1.0.{version}"),
        digest: format!("{version:x}"),
        state_revision: spec.state_revision + u64::from(version.is_multiple_of(8)),
        config,
        ..spec.clone()
    };
    let types = if version % 5 < 2 { &COMMANDS[..1] } else { &COMMANDS[..] };
    if spec.role.answers() { owning(next, types) } else { next }
}

/// A consumer as the owner of all types of commands that its versions decide.
pub(crate) fn with_all_commands(spec: &ConsumerSpec) -> ConsumerSpec {
    if spec.role.answers() { owning(spec.clone(), &COMMANDS) } else { spec.clone() }
}

/// The same consumer as the owner of these command types, to which it subscribes.
fn owning(mut spec: ConsumerSpec, types: &[&str]) -> ConsumerSpec {
    spec.role = Role::Aggregate {
        commands: types.iter().map(|text| (*text).to_owned()).collect(),
        records: vec![MOVED.to_owned()],
        scopes: types.iter().map(|text| ((*text).to_owned(), ACCOUNT.to_owned())).collect(),
    };
    for subscription in &mut spec.subscriptions {
        subscription.types = types.iter().map(|text| pattern(text)).collect();
        subscription.commands = true;
    }
    spec
}

fn spec(name: &str, types: &[&str]) -> ConsumerSpec {
    let types = types.iter().map(|text| pattern(text)).collect();
    ConsumerSpec {
        name: name.to_owned(),
        role: Role::Handler,
        subscriptions: vec![Subscription {
            handler: "handle".to_owned(),
            types,
            filter: None,
            commands: false,
        }],
        publishes: None,
        policy: Policy {
            partitions: 4,
            backoff: Backoff { base_ms: 100, max_ms: 100 },
            max_age_ms: 2_000,
            ..Policy::default()
        },
        start: Start::Earliest,
        config: BTreeMap::new(),
        grants: Vec::new(),
        digest: "1".to_owned(),
        version: "1.0.0".to_owned(),
        state_revision: 0,
        code: 0,
    }
}

fn pattern(text: &str) -> TypePattern {
    text.parse().expect("the patterns here are valid")
}
