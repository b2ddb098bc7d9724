use camshaft_sdk::testing::TestContext;
use serde_json::json;

use super::*;

/// 2026-11-21T08:00:00Z.
const START_MS: u64 = 1_795_248_000_000;

/// A runtime of one plugin: it hands events to it, and lets its timers fire.
struct Play {
    ctx: TestContext,
    now_ms: u64,
    seen: usize,
}

impl Play {
    fn with(settings: &[(&str, &str)]) -> Self {
        let ctx = TestContext::new().with_publishes(["load.high", "load.normal", DUE]);
        let ctx = ctx.with_now_ms(START_MS);
        let fixed = [("window", "60s"), ("publish", "load.high"), ("publish_cleared", "load.normal")];
        let ctx = fixed.iter().chain(settings).fold(ctx, |ctx, (key, value)| ctx.with_config(key, value));
        Self { ctx, now_ms: START_MS, seen: 0 }
    }

    /// Sets the clock, in seconds since the start, and lets all timers fire that are due until then.
    fn at(&mut self, second: u64) -> &mut Self {
        self.at_ms(second * 1000)
    }

    fn at_ms(&mut self, ms: u64) -> &mut Self {
        let until = START_MS + ms;
        loop {
            let due = self.ctx.timers().into_iter().map(|timer| {
                let at = timer.at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
                (u64::try_from(at.as_millis()).unwrap(), timer)
            });
            let Some((at_ms, timer)) =
                due.filter(|(at_ms, _)| *at_ms <= until).min_by_key(|(at_ms, _)| *at_ms)
            else {
                break;
            };
            self.ctx.cancel(&timer.name).unwrap();
            self.set_clock(at_ms.max(self.now_ms));
            self.ctx.handle(timer.event).unwrap();
        }
        self.set_clock(until.max(self.now_ms));
        self
    }

    fn set_clock(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        let ctx = std::mem::take(&mut self.ctx);
        self.ctx = ctx.with_now_ms(now_ms);
    }

    /// A sample that happened at that second, by its own time.
    fn sample_of(&mut self, second: u64, value: &str) -> &mut Self {
        self.sample_of_ms(second * 1000, value)
    }

    fn sample_of_ms(&mut self, ms: u64, value: &str) -> &mut Self {
        let time = Timestamp::from_millisecond(i64::try_from(START_MS + ms).unwrap()).unwrap();
        self.ctx.handle(event(Some(&time.to_string()), value)).unwrap();
        self
    }

    /// A sample that happens at that second.
    fn sample(&mut self, second: u64, value: &str) -> &mut Self {
        self.at(second).sample_of(second, value)
    }

    /// What was published since this was last asked, with the seconds of its time.
    fn says(&mut self) -> Vec<String> {
        let published = self.ctx.published();
        let new = published.get(self.seen..).unwrap().iter().map(|event| {
            let time: Timestamp = event.time.as_deref().unwrap().parse().unwrap();
            let data: Value = serde_json::from_slice(&event.data.0).unwrap();
            let second = time.as_second() - i64::try_from(START_MS / 1000).unwrap();
            format!("{} {} {}", second, event.event_type, data["value"])
        });
        let new = new.collect();
        self.seen = published.len();
        new
    }

    fn groups(&self) -> usize {
        self.ctx.state().scan::<Group>("group/").unwrap().count()
    }
}

fn event(time: Option<&str>, data: &str) -> Event<Bytes> {
    Event {
        subject: Some("m-1".to_owned()),
        time: time.map(str::to_owned),
        ..Event::new("load.measured", Bytes(data.as_bytes().to_vec()))
    }
}

const MEAN: [(&str, &str); 4] = [("aggregate", "mean"), ("value", ".data"), ("above", "10"), ("clear", "8")];

#[test]
fn an_alert_is_told_once_when_it_begins_and_once_when_it_is_over() {
    let mut play = Play::with(&MEAN);
    play.sample(0, "4").sample(1, "10").sample(2, "16");
    assert_eq!(play.says(), [""; 0], "the mean is 10, which is not above it");
    play.sample(3, "14");
    assert_eq!(play.says(), ["3 load.high 11"]);
    play.sample(4, "40").sample(5, "2");
    assert_eq!(play.says(), [""; 0], "it is still above");
    play.sample(6, "0").sample(7, "0").sample(8, "0");
    assert_eq!(play.says(), [""; 0], "between `clear` and `above` it goes on");
    play.sample(9, "-6").sample(10, "-2");
    assert_eq!(play.says(), ["9 load.normal 8"]);
}

#[test]
fn what_is_told_says_how_it_came_to_that() {
    let mut play = Play::with(&MEAN);
    play.sample(0, "10.5");
    let [alert] = play.ctx.published().try_into().unwrap();
    assert_eq!((alert.subject.as_deref(), alert.key()), (Some("m-1"), Some("m-1")));
    let data: Value = serde_json::from_slice(&alert.data.0).unwrap();
    let expected = json!({
        "group": "m-1", "aggregate": "mean", "value": 10.5, "samples": 1, "above": 10, "window": "60s"
    });
    assert_eq!(data, expected);
}

#[test]
fn samples_leave_the_window_while_others_come() {
    let mut play = Play::with(&[("above", "2")]);
    play.sample(0, "").sample(20, "").sample(59, "");
    assert_eq!(play.says(), ["59 load.high 3"]);
    play.sample(75, "");
    assert_eq!(play.says(), ["60 load.normal 2", "75 load.high 3"], "a timer told when the first one left");
    play.sample(79, "").sample(90, "").sample(118, "");
    assert_eq!(play.says(), [""; 0], "one left, more came");
    play.sample(140, "");
    assert_eq!(play.says(), ["139 load.normal 2", "140 load.high 3"]);
}

#[test]
fn silence_ends_an_alert_and_then_the_group() {
    let mut play = Play::with(&[("above", "1")]);
    play.sample(0, "").sample(10, "");
    assert_eq!(play.says(), ["10 load.high 2"]);
    play.at(59);
    assert_eq!((play.says(), play.groups()), (vec![], 1));
    play.at(60);
    assert_eq!((play.says(), play.groups()), (vec!["60 load.normal 1".to_owned()], 1));
    play.at(70);
    assert_eq!((play.says(), play.groups()), (vec![], 0));
    assert!(play.ctx.timers().is_empty());
}

#[test]
fn too_few_events_are_an_alert_once_a_group_is_as_old_as_the_window() {
    let mut play = Play::with(&[("below", "2")]);
    for second in [0, 20, 40, 60, 80, 100] {
        play.sample(second, "");
    }
    assert_eq!(play.says(), [""; 0]);
    play.at(10_000);
    assert_eq!(play.says(), ["140 load.high 1"], "the sample of second 80 left");
    play.sample(10_001, "");
    assert_eq!(play.says(), [""; 0]);
    play.sample(10_002, "");
    assert_eq!(play.says(), ["10002 load.normal 2"]);
}

#[test]
fn a_group_that_never_comes_back_is_forgotten_and_its_alert_with_it() {
    let mut play = Play::with(&[("below", "1"), ("forget", "1h")]);
    play.sample(0, "").at(60);
    assert_eq!((play.says(), play.groups()), (vec!["60 load.high 0".to_owned()], 1));
    play.at(3600);
    assert_eq!((play.says(), play.groups()), (vec!["3600 load.normal 0".to_owned()], 0));
    let last: Value = serde_json::from_slice(&play.ctx.published().last().unwrap().data.0).unwrap();
    assert_eq!(last["forgotten"], json!(true));
}

#[test]
fn old_samples_count_if_they_are_within_the_window_and_else_not() {
    let mut play = Play::with(&[("above", "2")]);
    play.at(100).sample_of(100, "").sample_of(70, "");
    play.sample_of(40, "").sample_of(3, "");
    assert_eq!(play.says(), [""; 0], "the last two are a minute old and older");
    assert_eq!(play.ctx.logged().len(), 2);
    play.sample_of(41, "");
    assert_eq!(play.says(), ["100 load.high 3"]);
}

#[test]
fn a_clock_that_runs_ahead_does_not_move_the_window_away() {
    let mut play = Play::with(&[("above", "1")]);
    play.sample(0, "").at(1).sample_of(999_999, "");
    assert_eq!(play.says(), ["1 load.high 2"]);
    play.ctx.handle(event(None, "")).unwrap();
    play.ctx.handle(event(Some("long ago"), "")).unwrap();
    assert_eq!(play.ctx.state().get::<Group>("group/m-1").unwrap().unwrap().newest_ms, START_MS + 1000);
}

#[test]
fn a_stream_that_is_handled_anew_is_judged_by_its_own_time() {
    let mut play = Play::with(&[("above", "2")]);
    play.at(1_000_000);
    for second in 0..100 {
        play.sample_of(second * 25, "");
    }
    assert_eq!(play.says(), ["50 load.high 3"]);
    play.at(1_000_000 + 9);
    assert_eq!(play.says(), [""; 0]);
    play.at(1_000_000 + 10);
    assert_eq!(
        play.says(),
        ["2485 load.normal 2"],
        "ten seconds after the last sample, as it would have been then"
    );
}

#[test]
fn each_group_has_a_window_of_its_own_and_null_is_no_sample() {
    let settings =
        [("aggregate", "max"), ("value", ".data.load"), ("group", ".data.machine"), ("above", "5")];
    let mut play = Play::with(&settings);
    play.sample(0, r#"{"machine": 1, "load": 6}"#).sample(1, r#"{"machine": 2, "load": 5}"#);
    play.sample(2, r#"{"machine": 3, "load": null}"#).sample(3, r#"{"load": 7}"#);
    assert_eq!(play.says(), ["0 load.high 6", "3 load.high 7"]);
    assert_eq!(play.groups(), 3);
    let subjects: Vec<_> = play.ctx.published().into_iter().map(|event| event.subject.unwrap()).collect();
    assert_eq!(subjects, ["1", "m-1"], "an alert without a group keeps the subject of its event");
}

#[test]
fn while_samples_come_no_timer_fires() {
    let mut play = Play::with(&[("above", "1000")]);
    for second in 0..300 {
        play.sample(second, "");
        assert!(play.ctx.timers().iter().all(|timer| timer.at > play.ctx.now() + Duration::from_secs(55)));
    }
    assert_eq!(play.ctx.timers().len(), 1);
}

#[test]
fn a_timer_that_fires_a_little_early_is_set_again() {
    let mut play = Play::with(&[("above", "1")]);
    play.sample(0, "").at_ms(700).sample_of_ms(200, "");
    assert_eq!(play.says(), ["0 load.high 2"]);
    play.at_ms(60_499);
    assert_eq!(
        (play.says(), play.ctx.timers().len()),
        (vec![], 1),
        "the second one came late; it has not left"
    );
    play.at_ms(60_500);
    assert_eq!(play.says(), ["60 load.normal 0"]);
}

#[test]
fn timers_of_other_plugins_and_unknown_groups_are_nothing() {
    let mut play = Play::with(&[("above", "1")]);
    play.sample(0, "").sample(1, "");
    assert_eq!(play.says(), ["1 load.high 2"]);
    play.set_clock(START_MS + 100_000);
    let due = |source: &str, group: &str| Event {
        source: source.to_owned(),
        ..Event::new(DUE, Due { group: group.to_owned() })
    };
    play.ctx.handle(due("/plugins/other", "m-1")).unwrap();
    play.ctx.handle(due("/plugins/test", "m-2")).unwrap();
    assert_eq!((play.says(), play.groups()), (vec![], 1));
    play.ctx.handle(due("/plugins/test", "m-1")).unwrap();
    assert_eq!((play.says(), play.groups()), (vec!["100 load.normal 0".to_owned()], 0));
}

#[test]
fn a_window_of_another_length_begins_anew_and_keeps_the_alert() {
    let mut play = Play::with(&[("above", "1")]);
    play.sample(0, "").sample(1, "");
    assert_eq!(play.says(), ["1 load.high 2"]);
    play.ctx = std::mem::take(&mut play.ctx).with_config("window", "10m");
    play.sample(2, "");
    assert_eq!(play.says(), ["2 load.normal 1"]);
    play.sample(300, "");
    assert_eq!(play.says(), ["300 load.high 2"]);
}

#[test]
fn the_runtimes_own_events_are_samples_like_others() {
    let mut play = Play::with(&[("above", "1")]);
    for _ in 0..2 {
        play.ctx.handle(Event::new("camshaft.dead-letter.added", Bytes::default())).unwrap();
    }
    assert_eq!(play.says(), ["0 load.high 2"]);
}

#[test]
fn an_event_that_is_no_sample_is_rejected() {
    let mut play = Play::with(&MEAN);
    let error = play.ctx.handle(event(None, r#""much""#)).unwrap_err();
    assert!(
        error.is_reject() && error.reason().contains("returned \"much\", which is not a finite number"),
        "{error}"
    );
    let long = Event { subject: Some("x".repeat(201)), ..event(None, "1") };
    let error = play.ctx.handle(long).unwrap_err();
    assert!(error.is_reject() && error.reason().ends_with("is longer than 200 bytes"), "{error}");
}

#[test]
fn a_wrong_setting_is_left_to_the_operator() {
    for (settings, expected) in [
        (&[("above", "1"), ("window", "soon")][..], "the setting `window` is \"soon\"; write a duration"),
        (&[("above", "1"), ("window", "1ms")], "the setting `window` is \"1ms\"; write a duration"),
        (&[("above", "1"), ("forget", "5s")], "the setting `forget` is shorter than `window`"),
        (
            &[("above", "1"), ("aggregate", "median")],
            "the setting `aggregate` is \"median\"; write \"count\"",
        ),
        (&[("above", "1"), ("aggregate", "mean")], "the setting `value` is missing"),
        (&[], "exactly one of the settings `above` and `below` is required"),
        (&[("above", "1"), ("below", "2")], "exactly one of the settings `above` and `below` is required"),
        (&[("above", "NaN")], "the setting `above` is NaN"),
        (&[("above", "1"), ("clear", "2")], "the setting `clear` = 2 is beyond `above` = 1"),
        (&[("below", "1"), ("clear", "0")], "the setting `clear` = 0 is beyond `below` = 1"),
        (&[("above", "1"), ("group", ".|")], "the expression `.|` of the setting `group` cannot be used"),
    ] {
        let error = Play::with(settings).ctx.handle(event(None, "1")).unwrap_err();
        assert!(!error.is_reject() && error.reason().starts_with(expected), "{error}");
    }
}
