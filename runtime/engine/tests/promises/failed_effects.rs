//! A failed attempt leaves nothing behind but its story; the rest of its batch goes on.

use camshaft_event::{Answer, AttemptContext, EffectError, FailureCause, NewEvent, Timestamp};

use super::harness::{World, append, done, note, publish, reject, retry, spec, trap};

#[test]
fn effects_of_a_failed_attempt_vanish_and_its_batch_goes_on() {
    for failing in [retry as fn() -> Answer, reject, trap] {
        let mut world = World::new();
        let mut declared = spec("failing", &["thing.happened"]);
        declared.policy.partitions = 1;
        world.attach(declared, move |event, attempt| {
            append("list", &event.id, attempt);
            publish("thing.followed", attempt);
            let later = NewEvent { event_type: "thing.reminded".into(), ..NewEvent::default() };
            attempt.schedule(&event.id, later, Timestamp(u64::MAX)).unwrap();
            attempt.delete(b"first").unwrap();
            if event.id == "bad" {
                failing()
            } else {
                attempt.set(event.id.as_bytes(), b"1").map_or_else(|_| trap(), |()| done())
            }
        });
        for (id, key) in [("1", "a"), ("bad", "b"), ("2", "c")] {
            world.put(id, key);
        }
        world.settle();
        assert_eq!(world.called("failing"), ["1", "bad", "2"]);
        let state = world.state("failing");
        assert_eq!((state["list"].as_str(), state.get("bad")), ("1 2", None));
        assert_eq!(world.standing("failing").timers, 2);
        let followed: Vec<_> =
            world.events().into_iter().filter(|event| event.event_type == "thing.followed").collect();
        assert_eq!(followed.len(), 2);
    }
}

#[test]
fn a_refused_effect_decides_whatever_the_handler_answers() {
    for answer in [done as fn() -> Answer, retry, trap] {
        let mut world = World::new();
        let mut declared = spec("refused", &["thing.happened"]);
        declared.publishes = Some(vec!["thing.followed".parse().unwrap()]);
        world.attach(declared, move |_, attempt| {
            attempt.set(b"k", b"v").unwrap();
            publish("thing.followed", attempt);
            let other = NewEvent { event_type: "thing.else".into(), ..NewEvent::default() };
            assert!(matches!(attempt.publish(other), Err(EffectError::UndeclaredType { .. })));
            answer()
        });
        world.put("a", "k");
        world.settle_all();
        assert!(world.state("refused").is_empty());
        let (_, letter) = world.dead("refused").remove(0);
        let attempt = letter.history.latest().unwrap();
        assert_eq!((attempt.cause, letter.history.total), (FailureCause::Refused, 1));
        assert!(
            attempt.error.contains("thing.else") && attempt.error.contains("publishes"),
            "{}",
            attempt.error
        );
    }
}

#[test]
fn limits_on_single_effects_name_their_setting() {
    type Effect = fn(&mut camshaft_engine::Attempt) -> Result<(), EffectError>;
    let cases: [(&str, Effect); 8] = [
        (": 4 exceeds the limit of 3 (setting `limits.max_published_events`)", |attempt| {
            let event_type = "thing.large".to_owned();
            let event = NewEvent { event_type, ..NewEvent::default() };
            attempt.schedule("t", event.clone(), Timestamp(7))?;
            (0..3).try_for_each(|_| attempt.publish(event.clone()))
        }),
        ("limits.max_state_value_bytes", |attempt| attempt.set(b"k", &vec![0; 17 * 1024])),
        ("limits.max_event_bytes", |attempt| {
            let event_type = "thing.large".to_owned();
            attempt.publish(NewEvent { event_type, data: vec![0; 17 * 1024], ..NewEvent::default() })
        }),
        ("fixed", |attempt| attempt.set(&[0; 2_000], b"v")),
        ("fixed", |attempt| attempt.scan(&[0; 2_000], None, 1).map(drop)),
        ("state key length in bytes is 0; 1 to ", |attempt| attempt.get(b"").map(drop)),
        ("state key length in bytes is 0; 1 to ", |attempt| attempt.set(b"", b"v")),
        ("timer name length in bytes is 0; 1 to ", |attempt| attempt.cancel("")),
    ];
    for (setting, effect) in cases {
        let mut world = World::with(|options| options.max_published_events = 3);
        world.attach(spec("limited", &["thing.happened"]), move |_, attempt| {
            let _ = effect(attempt);
            done()
        });
        world.put("a", "k");
        world.settle_all();
        let (_, letter) = world.dead("limited").remove(0);
        let error = &letter.history.latest().unwrap().error;
        assert!(error.contains(setting), "{error}");
    }
}

#[test]
fn a_scan_from_behind_its_prefix_finds_nothing() {
    let mut world = World::new();
    world.attach(spec("scanning", &["thing.happened"]), |event, attempt| {
        assert_eq!(attempt.scan(b"a", Some(b"b"), 10), Ok(Vec::new()));
        assert_eq!(attempt.scan(b"", Some(&[0xff; 30]), 10), Ok(Vec::new()));
        note(event, attempt)
    });
    world.put("a", "k");
    world.settle();
    assert_eq!(world.state("scanning")["k"], "a");
}

#[test]
fn a_handler_sees_its_own_writes_and_those_before_it_in_its_batch() {
    let mut world = World::new();
    let mut declared = spec("seeing", &["thing.happened"]);
    declared.policy.partitions = 1;
    world.attach(declared, |event, attempt| {
        let keys = |attempt: &mut camshaft_engine::Attempt| {
            let found = attempt.scan(b"k", None, 10).unwrap();
            found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<Vec<_>>().join(" ")
        };
        let before = keys(attempt);
        match event.id.as_str() {
            "1" => {
                attempt.set(b"k1", b"1").unwrap();
                attempt.set(b"k3", b"3").unwrap();
                assert_eq!((before.as_str(), keys(attempt).as_str()), ("", "k1 k3"));
            }
            _ => {
                attempt.delete(b"k1").unwrap();
                attempt.set(b"k2", b"2").unwrap();
                assert_eq!((before.as_str(), keys(attempt).as_str()), ("k1 k3", "k2 k3"));
                assert_eq!(attempt.get(b"k1").unwrap(), None);
                assert_eq!(attempt.scan(b"k", Some(b"k2"), 1).unwrap(), [(b"k3".to_vec(), b"3".to_vec())]);
            }
        }
        done()
    });
    world.put("1", "a");
    world.put("2", "b");
    world.settle();
    assert_eq!(world.state("seeing").into_keys().collect::<Vec<_>>(), ["k2", "k3"]);
    assert_eq!(world.standing("seeing").dead, 0);
}
