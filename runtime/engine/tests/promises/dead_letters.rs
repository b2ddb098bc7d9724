//! A dead letter tells its whole story: the event, its attempts, what the last one saw.

use std::collections::BTreeMap;

use camshaft_event::{Answer, AttemptContext, FailureCause};

use super::harness::{World, append, done, event, note, reject, retry, spec};

#[test]
fn a_reject_becomes_a_dead_letter_at_once() {
    let mut world = World::new();
    world.attach(spec("refusing", &["thing.*"]), |_, _| reject());
    let offset = world.put("a", "k");
    let at = world.now();
    world.settle();
    let (found, letter) = world.dead("refusing").remove(0);
    assert_eq!((found, &letter.event, letter.at), (offset, &event("a", "k"), at));
    assert_eq!((letter.parks, letter.redrives, letter.history.total), (true, 0, 1));
    let attempt = letter.history.latest().unwrap();
    assert_eq!((attempt.attempt, attempt.at, attempt.cause), (1, at, FailureCause::Reject));
    assert_eq!(attempt.error, "never");
    let activation = world.standing("refusing").record.activation;
    assert_eq!(attempt.activation, activation);
    assert_eq!(world.standing("refusing").checkpoint, world.sequencer().sequenced().next_offset);
}

#[test]
fn a_long_story_keeps_its_begin_and_its_end() {
    let mut world = World::new();
    let mut declared = spec("failing", &["thing.*"]);
    declared.policy.max_attempts = 25;
    world.attach(declared, |_, attempt| Answer::Retry {
        after_ms: None,
        reason: format!("{} {}", attempt.attempt(), "x".repeat(10_000)),
    });
    world.put("a", "k");
    world.settle_all();
    let (_, letter) = world.dead("failing").remove(0);
    let attempts: Vec<u32> = letter.history.kept().map(|attempt| attempt.attempt).collect();
    assert_eq!((letter.history.total, attempts), (25, (1..=10).chain(16..=25).collect()));
    assert!(letter.history.kept().all(|attempt| attempt.error.len() <= 8 * 1024));
    assert!(letter.history.latest().unwrap().error.starts_with("25 "));
}

#[test]
fn it_keeps_what_the_last_attempt_read() {
    let mut world = World::new();
    world.attach(spec("reading", &["thing.*"]), |event, attempt| {
        if event.id != "bad" {
            append("list", &event.id, attempt);
            return done();
        }
        attempt.set(b"own", b"written").unwrap();
        for key in ["own", "absent", "list"] {
            attempt.get(key.as_bytes()).unwrap();
        }
        attempt.scan(b"li", None, 10).unwrap();
        reject()
    });
    world.put("committed", "k");
    world.settle();
    // The last read value is of the same batch, and not committed when it is read.
    world.publish(vec![event("same batch", "k"), event("bad", "k")]);
    world.settle();
    let (_, letter) = world.dead("reading").remove(0);
    let inputs: Vec<_> =
        letter.inputs.state.iter().map(|(key, value)| (key.to_vec(), value.clone())).collect();
    let list = Some(b"committed same batch".to_vec().into());
    assert_eq!(
        inputs,
        [(b"absent".to_vec(), None), (b"list".to_vec(), list.clone()), (b"list".to_vec(), list)]
    );
    assert!(!letter.inputs.truncated);
}

#[test]
fn what_it_read_is_kept_up_to_64_kib() {
    let mut world = World::with(|options| {
        options.max_transaction_bytes = 200 * 1024;
        options.max_state_value_bytes = 30 * 1024;
    });
    world.attach(spec("reading", &["thing.*"]), |event, attempt| {
        let keys: [&[u8]; 4] = [b"1", b"2", b"3", b"4"];
        if event.id == "fill" {
            keys.iter().for_each(|key| attempt.set(key, &[b'v'; 30 * 1024]).unwrap());
            return done();
        }
        keys.iter().for_each(|key| assert!(attempt.get(key).unwrap().is_some()));
        reject()
    });
    world.put("fill", "k");
    world.settle();
    world.put("bad", "k");
    world.settle();
    let (_, letter) = world.dead("reading").remove(0);
    assert_eq!((letter.inputs.state.len(), letter.inputs.truncated), (2, true));
}

#[test]
fn it_is_announced_in_its_own_transaction() {
    let mut world = World::new();
    world.attach(spec("refusing", &["thing.*"]), |event, attempt| {
        if event.id == "bad" { reject() } else { note(event, attempt) }
    });
    world.put("bad", "k");
    world.settle();
    let transactions = world.transactions();
    let transaction = transactions.last().unwrap();
    let announced: Vec<_> = transaction.events().collect();
    assert_eq!(announced.len(), 1);
    assert_eq!(
        (announced[0].event_type.as_str(), announced[0].source.as_str()),
        ("camshaft.dead-letter.added", "/camshaft")
    );
    assert_eq!(announced[0].extension("causationid"), Some("bad"));
    let data: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&announced[0].data).unwrap();
    assert_eq!((&data["consumer"], &data["reason"]), (&"refusing".into(), &"reject".into()));
    assert_eq!((&data["error"], &data["attempts"]), (&"never".into(), &1.into()));
}

#[test]
fn an_event_that_nearly_fills_a_transaction_still_becomes_one() {
    let mut world = World::with(|options| options.max_event_bytes = 32 * 1024);
    let mut declared = spec("failing", &["thing.*"]);
    declared.policy.max_attempts = 12;
    world.attach(declared, |_, attempt| {
        attempt.get(&[b'k'; 1_000]).unwrap();
        if attempt.attempt() < 12 {
            Answer::Retry { after_ms: None, reason: "x".repeat(8_000) }
        } else {
            retry()
        }
    });
    let mut large = event("large", "k");
    large.data = vec![b'x'; 31 * 1024];
    world.publish(vec![large]);
    world.settle_all();
    let (_, letter) = world.dead("failing").remove(0);
    assert_eq!(
        (letter.history.total, letter.event.data.len(), letter.inputs.truncated),
        (12, 31 * 1024, true)
    );
    assert!(letter.history.kept().all(|attempt| attempt.error.len() <= 256));
}
