//! What a guest may do and answer, right, nearly right or anything; and what it was told.

use std::collections::BTreeMap;

use bolero::generator::ValueGenerator;
use bolero::{TypeGenerator, one_of, one_value_of, produce};
use camshaft_engine::Attempt;
use camshaft_event::{
    Answer, AttemptContext as _, EffectError, FailureCause, LogLevel, NewEvent, StateEntry, Timestamp,
};

pub const MAX_KEY_BYTES: usize = 12;
pub const MAX_VALUE_BYTES: usize = 200;
pub const MAX_NAME_BYTES: usize = 8;
pub const PUBLISHES: [&str; 2] = ["thing.done", "other.**"];

pub type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// How a guest handles one event, at each attempt.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Script {
    is_of_first_key: bool,
    #[generator(produce::<Vec<Act>>().with().len(0..10_usize))]
    pub acts: Vec<Act>,
    answers: [AnswerShape; 2],
}

/// One thing that a guest asks for.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Act {
    Get(#[generator(key())] Vec<u8>),
    Set(#[generator(key())] Vec<u8>, u8, #[generator(0..MAX_VALUE_BYTES + 3)] usize),
    Delete(#[generator(key())] Vec<u8>),
    Scan(
        #[generator(key())] Vec<u8>,
        #[generator(one_of((key().map_gen(Some), key().map_gen(|_| None))))] Option<Vec<u8>>,
        Page,
    ),
    Publish(EventShape),
    Schedule(#[generator(timer_name())] String, EventShape, Moment),
    Cancel(#[generator(timer_name())] String),
    Random(u8),
    Log(String, #[generator(named_texts())] Vec<(String, String)>),
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
pub enum Page {
    None,
    One,
    Few,
    All,
}

/// When a timer is to fire.
#[derive(Clone, Copy, Debug, TypeGenerator)]
pub enum Moment {
    Epoch,
    Soon(u8),
    Never,
}

#[derive(Clone, Debug, TypeGenerator)]
enum AnswerShape {
    Done,
    DoneToo,
    Retry(Option<u64>, #[generator(reason())] String),
    Reject(#[generator(reason())] String),
    Failed(
        #[generator(one_value_of([FailureCause::Trap, FailureCause::Deadline, FailureCause::Memory, FailureCause::Stack]))]
         FailureCause,
        #[generator(reason())] String,
    ),
}

#[derive(Clone, Debug, TypeGenerator)]
pub struct EventShape {
    #[generator(text(["thing.done", "other.a.b"], ["", "thing.happened", "camshaft.x", "other.a b", "other.\n"]))]
    event_type: String,
    #[generator(optional(text(["s", "ü"], ["", "\u{7}", "\u{fdd0}"])))]
    subject: Option<String>,
    #[generator(optional(text(["2026-01-31T12:00:00Z"], ["", "2026-01-31 12:00:00Z", "2026-01-31T12Z"])))]
    time: Option<String>,
    #[generator(optional(text(["k"], ["", "\n"])))]
    partitionkey: Option<String>,
    #[generator(optional(text(["application/json", "text/plain"], ["", "json"])))]
    datacontenttype: Option<String>,
    #[generator(optional(text(["urn:schema:1"], ["", "/s.json", "urn:a b"])))]
    dataschema: Option<String>,
    #[generator(named_texts())]
    extensions: Vec<(String, String)>,
    #[generator(0..400_usize)]
    data_bytes: usize,
}

/// What one attempt of the guest did and was told.
#[derive(Clone, Debug)]
pub struct Call {
    pub told: Vec<(Act, Told)>,
    pub answer: Answer,
}

/// What the engine said to an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Value(Option<Vec<u8>>),
    Entries(Vec<StateEntry>),
    Refused(EffectError),
}

impl Call {
    /// The refusal that decides.
    pub fn refusal(&self) -> Option<&EffectError> {
        self.told.iter().find_map(|(_, told)| match told {
            Told::Refused(error) => Some(error),
            _ => None,
        })
    }
}

impl Script {
    pub fn key(&self) -> &'static str {
        if self.is_of_first_key { "a" } else { "b" }
    }

    /// Does all of it, whatever is refused.
    pub fn run(&self, attempt: &mut Attempt) -> Call {
        let told = self.acts.iter().map(|act| (act.clone(), act.run(attempt))).collect();
        let [first, later] = &self.answers;
        let answer = if attempt.attempt() == 1 { first } else { later };
        Call { told, answer: answer.answer() }
    }
}

impl Act {
    fn run(&self, attempt: &mut Attempt) -> Told {
        let told = match self {
            Self::Get(key) => attempt.get(key).map(Told::Value),
            Self::Set(key, byte, length) => attempt.set(key, &vec![*byte; *length]).map(|()| Told::Nothing),
            Self::Delete(key) => attempt.delete(key).map(|()| Told::Nothing),
            Self::Scan(prefix, after, page) => {
                attempt.scan(prefix, after.as_deref(), page.entries()).map(Told::Entries)
            }
            Self::Publish(shape) => attempt.publish(shape.event()).map(|()| Told::Nothing),
            Self::Schedule(name, shape, moment) => {
                let at = moment.of(attempt.now());
                attempt.schedule(name, shape.event(), at).map(|()| Told::Nothing)
            }
            Self::Cancel(name) => attempt.cancel(name).map(|()| Told::Nothing),
            Self::Random(length) => {
                attempt.random(&mut vec![0; usize::from(*length)]);
                Ok(Told::Nothing)
            }
            Self::Log(message, fields) => {
                attempt.log(LogLevel::Info, message, fields);
                assert!(attempt.config(message).is_none());
                Ok(Told::Nothing)
            }
        };
        told.unwrap_or_else(Told::Refused)
    }
}

impl Page {
    pub fn entries(self) -> usize {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::Few => 3,
            Self::All => usize::MAX,
        }
    }
}

impl Moment {
    pub fn of(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Epoch => Timestamp(0),
            Self::Soon(seconds) => now.plus_ms(u64::from(seconds) * 1000),
            Self::Never => Timestamp(u64::MAX),
        }
    }
}

impl AnswerShape {
    fn answer(&self) -> Answer {
        match self.clone() {
            Self::Done | Self::DoneToo => Answer::Done,
            Self::Retry(after_ms, reason) => Answer::Retry { after_ms, reason },
            Self::Reject(reason) => Answer::Reject { reason },
            Self::Failed(cause, error) => Answer::Failed { cause, error },
        }
    }
}

impl EventShape {
    pub fn event(&self) -> NewEvent {
        let Self { event_type, subject, time, partitionkey, datacontenttype, dataschema, extensions, .. } =
            self.clone();
        let data = vec![b'7'; self.data_bytes];
        NewEvent { event_type, subject, time, partitionkey, datacontenttype, dataschema, extensions, data }
    }
}

/// Keys that meet often, and the lengths at the limit.
fn key() -> impl ValueGenerator<Output = Vec<u8>> {
    let bytes = one_value_of([b'a', b'b', 0, 255]);
    let length = one_value_of([0, 1, 1, 2, 2, 2, 3, MAX_KEY_BYTES, MAX_KEY_BYTES + 1]);
    produce::<Vec<u8>>().with().values(bytes).len(length)
}

fn timer_name() -> impl ValueGenerator<Output = String> {
    text(["t", "u", "v"], ["", "12345678", "123456789", "üüüü", "\n"])
}

fn reason() -> impl ValueGenerator<Output = String> {
    (text(["no", "ü", ""], ["\n\n", "\u{0}"]), one_value_of([1_usize, 2, 300, 9_000]))
        .map_gen(|(text, times)| text.repeat(times))
}

fn named_texts() -> impl ValueGenerator<Output = Vec<(String, String)>> {
    let odd = ["", "Upper", "source", "correlationid", "camshafthops", "offset", LONG_NAME];
    let name = text(["tenant", "traceparent", "x"], odd);
    let value = text(["", "acme", "ü"], ["\u{7}", "\n"]);
    produce::<Vec<(String, String)>>().with().values((name, value)).len(0..3_usize)
}

/// One more byte than names of attributes may have.
const LONG_NAME: &str = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg";

/// Mostly something right, sometimes something odd, seldom anything.
fn text<const R: usize, const O: usize>(
    right: [&'static str; R],
    odd: [&'static str; O],
) -> impl ValueGenerator<Output = String> {
    let any = produce::<String>().with().len(0..8_usize);
    (0..64_u8, one_value_of(right), one_value_of(odd), any).map_gen(|(kind, right, odd, any)| match kind {
        0 => any,
        1..3 => odd.to_owned(),
        _ => right.to_owned(),
    })
}

fn optional(value: impl ValueGenerator<Output = String>) -> impl ValueGenerator<Output = Option<String>> {
    (0..4_u8, value).map_gen(|(kind, value)| (kind == 0).then_some(value))
}
