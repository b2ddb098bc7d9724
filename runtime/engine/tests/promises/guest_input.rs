//! Whatever a guest hands over, the engine does not panic, and each event ends in the effects that were asked
//! for or in a refusal that says why: a fuzz target over everything that `AttemptContext` takes.
//!
//! A guest's script is run through whole batches. Then the log is read, and told what the script would have
//! done to a map. `cargo bolero` runs it guided by coverage; `runtime/RELIABILITY.md` says how.

mod act;
mod expected;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bolero::{TypeGenerator, check, produce};
use camshaft_engine::{Attempt, ConsumerSpec};
use camshaft_event::transaction::{Outcome, Section};
use camshaft_event::{AttemptContext as _, Event, Offset};

use super::harness::{World, done, spec};
use act::{Call, Script};
use expected::Expected;

/// How long `cargo test` runs it; `BOLERO_RANDOM_TEST_TIME_MS` overrides it.
const MOMENT: Duration = Duration::from_secs(3);

/// The consumer whose guest is at work, and the one that takes what it publishes.
const GUEST: &str = "guest";
const WITNESS: &str = "witness";

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Limits that a short script can reach.
#[derive(Clone, Debug, TypeGenerator)]
struct Limits {
    #[generator(400..5_000_usize)]
    transaction_bytes: usize,
    #[generator(300..1_200_usize)]
    event_bytes: usize,
    #[generator(0..4_usize)]
    timers: usize,
    #[generator(0..3_u32)]
    hops: u32,
}

/// All calls of the guest, the last one last.
type Calls = Rc<RefCell<Vec<((Offset, u32), Call)>>>;

#[test]
fn whatever_a_guest_hands_over_ends_in_effects_or_a_refusal() {
    let scripts = produce::<Vec<Script>>().with().len(1..6_usize);
    check!().with_generator((produce::<Limits>(), scripts)).with_test_time(MOMENT).for_each(
        |(limits, scripts)| {
            let mut world = world(limits);
            let calls = attach(&mut world, scripts);
            for (number, script) in scripts.iter().enumerate() {
                world.put(&number.to_string(), script.key());
            }
            for _ in 0..4 {
                world.settle();
                world.clock.advance_ms(HOUR_MS);
            }
            world.settle();
            let state = check_outcomes(&mut world, scripts, &calls.borrow());
            world.flush();
            world.kill();
            world.restart();
            assert_eq!(world.stored_state(GUEST), state, "after a restart");
        },
    );
}

fn world(limits: &Limits) -> World {
    World::with(|options| {
        options.max_transaction_bytes = limits.transaction_bytes;
        options.max_event_bytes = limits.event_bytes;
        options.max_timers = limits.timers;
        options.max_hops = limits.hops;
        options.max_state_key_bytes = act::MAX_KEY_BYTES;
        options.max_state_value_bytes = act::MAX_VALUE_BYTES;
        options.max_timer_name_bytes = act::MAX_NAME_BYTES;
        options.batch_events = 3;
    })
}

/// Attaches the guest, which follows the script of the event's number, and the witness of what it publishes.
fn attach(world: &mut World, scripts: &[Script]) -> Calls {
    let calls = Calls::default();
    let (seen, scripts) = (Rc::clone(&calls), scripts.to_vec());
    let guest = ConsumerSpec {
        publishes: Some(act::PUBLISHES.map(|pattern| pattern.parse().unwrap()).to_vec()),
        ..spec(GUEST, &["thing.happened"])
    };
    world.attach(guest, move |event: &Event, attempt: &mut Attempt| {
        let call = scripts[event.id.parse::<usize>().unwrap()].run(attempt);
        let answer = call.answer.clone();
        seen.borrow_mut().push(((attempt.offset(), attempt.attempt()), call));
        answer
    });
    world.attach(spec(WITNESS, &["**", "camshaft.**"]), |_, _| done());
    calls
}

/// Reads the log, section by section, and compares it with what was called. Returns the state that came of
/// it.
fn check_outcomes(world: &mut World, scripts: &[Script], calls: &[((Offset, u32), Call)]) -> act::State {
    let mut expected = Expected::new(Arc::clone(&world.options));
    let guest = world.sequencer().state_space(GUEST).unwrap().consumer;
    let mut last: BTreeMap<Offset, Outcome> = BTreeMap::new();
    let transactions = world.transactions();
    for section in transactions.iter().flat_map(|transaction| &transaction.sections) {
        section.events().for_each(expected::check_event);
        match section {
            Section::Handled(handled) if handled.consumer == guest => {
                last.insert(handled.cause, handled.outcome);
                match calls.iter().rfind(|(place, _)| *place == (handled.cause, handled.attempt)) {
                    Some((_, call)) => expected.check(handled, call),
                    None => assert_eq!((handled.outcome, handled.attempt), (Outcome::Held, 0), "{handled:?}"),
                }
            }
            Section::Fired(fired) if fired.consumer == guest => expected.fired(&fired.name),
            _ => {}
        }
    }
    assert_eq!(last.len(), scripts.len(), "every event came to something");
    assert_eq!(world.standing(WITNESS).held, 0);
    let state = world.stored_state(GUEST);
    assert_eq!(state, expected.state);
    state
}
