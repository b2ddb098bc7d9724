//! An aggregate and its tests, written as an author would write them.

use std::collections::{HashMap, HashSet};

use camshaft_sdk::{Declined, prelude::*, testing::TestAggregate};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Defined {
    capacity: u32,
}

#[derive(Serialize, Deserialize)]
struct Subscribe {
    course: String,
    student: String,
}

#[derive(Default, Serialize, Deserialize)]
struct Course {
    capacity: u32,
    students: u32,
    /// In a map without an order of its own.
    places: HashMap<String, u32>,
}

#[scope("course")]
impl Evolve for Course {
    fn evolve(&mut self, fact: &Fact) -> Result {
        match fact.event_type() {
            "course.defined" => self.capacity = fact.data::<Defined>()?.capacity,
            "student.subscribed" => {
                let Subscribe { student, .. } = fact.data()?;
                self.students += 1;
                self.places.insert(student, self.students);
            }
            _ => {}
        }
        Ok(())
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Student {
    courses: u32,
}

#[scope("student")]
impl Evolve for Student {
    fn evolve(&mut self, fact: &Fact) -> Result {
        if fact.event_type() == "student.subscribed" {
            self.courses += 1;
        }
        Ok(())
    }
}

#[command("course.subscribe", scope = "course", records("student.subscribed"))]
fn subscribe(command: Command<Subscribe>, ctx: &mut Decide) -> Decided<u32> {
    let course = ctx.load::<Course>(&command.data.course)?.or_refuse("no-such-course")?;
    let student = ctx.load_or_new::<Student>(&command.data.student)?;
    (course.students < course.capacity).or_refuse("course-full")?;
    (student.courses < 2).or_refuse(Refusal::new("too-many-courses").message("two at a time").data(&2))?;
    ctx.record("student.subscribed", &command.data).about(&course).about(&student)?;
    Ok(course.students + 1)
}

#[command("course.define", scope = "course", records("course.defined"))]
fn define(command: Command<u32>, ctx: &mut Decide) -> Decided {
    let course = ctx.load_or_new::<Course>(command.subject.as_deref().unwrap_or_default())?;
    (course.capacity == 0).or_refuse("already-defined")?;
    ctx.record("course.defined", &Defined { capacity: command.data }).about(&course)?;
    Ok(())
}

/// The inputs of a decision, besides the command.
#[derive(Serialize, Deserialize)]
struct Inputs {
    region: Option<String>,
    now_ms: u64,
    offset: u64,
    attempt: u32,
    random: u64,
}

#[command("inputs.ask", scope = "course")]
fn ask(command: Command<Bytes>, ctx: &mut Decide) -> Decided<Inputs> {
    ctx.info(format_args!("asked by {}", command.source));
    let (now_ms, offset, attempt) = (ctx.now_ms(), ctx.offset(), ctx.attempt());
    Ok(Inputs { region: ctx.config("region"), now_ms, offset, attempt, random: ctx.random_u64() })
}

#[command("mistake.make", scope = "course", records("mistake.made", "bag.filled", "log.kept"))]
fn make(command: Command<String>, ctx: &mut Decide) -> Decided<Bytes> {
    let course = Scope::of::<Course>("c1");
    let log = Scope::of::<Log>("l1");
    match command.data.as_str() {
        "no-scope" => drop(ctx.record("mistake.made", &())),
        "no-scope, refused" => {
            drop(ctx.record("mistake.made", &()));
            return Err(Refusal::new("refused").into());
        }
        "twice" => drop(ctx.record("mistake.made", &()).about(&course).about(&course)),
        "unencodable" => drop(ctx.record("mistake.made", &unencodable()).about(&course)),
        "undeclared" => drop(ctx.record("never.declared", &()).about(&course)),
        "no-id" => drop(ctx.record("mistake.made", &()).about(&Scope::of::<Course>(""))),
        "bag" => {
            for item in 0..8 {
                ctx.record("bag.filled", &item).about(&Scope::of::<Bag>("b1"))?;
            }
        }
        "fails" => drop(ctx.record("log.kept", &"no number").about(&log)),
        "refuses badly" => return Err(Refusal::new("odd").data(&unencodable()).into()),
        number => drop(ctx.record("log.kept", &number.parse::<u32>()?).about(&log)),
    }
    Ok(Bytes(b"made".to_vec()))
}

/// JSON has only strings as keys.
fn unencodable() -> HashMap<(u8, u8), u8> {
    HashMap::from([((1, 2), 3)])
}

/// A state whose bytes have no order.
#[derive(Default, Serialize, Deserialize)]
struct Bag(HashSet<u32>);

#[scope("bag")]
impl Evolve for Bag {
    fn evolve(&mut self, fact: &Fact) -> Result {
        self.0.insert(fact.data()?);
        Ok(())
    }
}

/// A state that forgets what it counted when it is stored.
#[derive(Default, Serialize, Deserialize)]
struct Log {
    sum: u32,
    #[serde(skip)]
    last: u32,
}

#[scope("log")]
impl Evolve for Log {
    fn evolve(&mut self, fact: &Fact) -> Result {
        let number = fact.data::<u32>()?;
        self.sum += number * (self.last + 1);
        self.last = number;
        Ok(())
    }
}

#[command("lost.find", scope = "lost")]
fn find(_: Command<()>, _: &mut Decide) -> Decided {
    Ok(())
}

fn course(capacity: u32) -> TestAggregate {
    TestAggregate::new().given("course.defined", &Defined { capacity }, ["course/c1"])
}

fn subscription(course: &str, student: &str) -> Command<Subscribe> {
    let data = Subscribe { course: course.to_owned(), student: student.to_owned() };
    Command { id: "x-1".to_owned(), ..Command::new("course.subscribe", data) }
}

fn code(declined: &Declined) -> &str {
    &declined.refusal().expect("it was refused").code
}

/// The reason why a `mistake.make` fails for ever.
#[track_caller]
fn mistake(what: &str) -> String {
    let declined = course(1).send(Command::new("mistake.make", what)).expect_err("a mistake is not accepted");
    let error = declined.failure().expect("a mistake is not an answer");
    assert!(error.is_reject(), "{error:?}");
    error.reason().to_owned()
}

#[test]
fn an_accepted_command_records_its_facts_and_replies() {
    let mut courses = course(2);
    let accepted = courses.send(subscription("c1", "ada")).unwrap();
    assert_eq!(accepted.reply::<u32>().unwrap(), 1);
    let [fact] = accepted.facts.as_slice() else { panic!("{accepted:?}") };
    assert_eq!(fact.event_type(), "student.subscribed");
    assert_eq!(fact.data::<Subscribe>().unwrap().student, "ada");
    assert_eq!(courses.facts().len(), 2);
    assert_eq!(courses.load::<Course>("c1").unwrap().unwrap().students, 1);
    assert_eq!(courses.load::<Student>("ada").unwrap().unwrap().courses, 1);
    assert!(courses.load::<Student>("bob").unwrap().is_none());
}

#[test]
fn a_fact_is_written_as_the_runtime_writes_it() {
    let mut courses = course(2).with_now_ms(1_500);
    courses.send(subscription("c1", "ada")).unwrap();
    let accepted = courses.send(subscription("c1", "b 2")).unwrap();
    let fact = &accepted.facts[0];
    assert_eq!((fact.subject.as_deref(), fact.partitionkey.as_deref()), (Some("c1"), Some("course/c1")));
    assert_eq!(fact.extension("scopes"), Some("course/c1@3 student/b%202@1"));
    assert_eq!((fact.source.as_str(), fact.extension("causationid")), ("/plugins/test", Some("x-1")));
    assert_eq!(fact.time.as_deref(), Some("1970-01-01T00:00:01.500Z"));
    assert_eq!(fact.datacontenttype.as_deref(), Some("application/json"));
}

#[test]
fn every_rule_refuses_in_its_own_words_and_records_nothing() {
    let mut courses = course(1).given("course.defined", &Defined { capacity: 9 }, ["course/c2"]);
    assert_eq!(code(&courses.send(subscription("c9", "ada")).unwrap_err()), "no-such-course");
    courses.send(subscription("c1", "ada")).unwrap();
    assert_eq!(code(&courses.send(subscription("c1", "bob")).unwrap_err()), "course-full");
    courses.send(subscription("c2", "ada")).unwrap();
    let declined = courses.send(subscription("c2", "ada")).unwrap_err();
    let refusal = declined.refusal().unwrap();
    assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("too-many-courses", "two at a time"));
    assert_eq!(refusal.decode::<u32>().unwrap(), 2);
    assert_eq!(format!("{declined:?}"), "refused: too-many-courses: two at a time 2");
    assert_eq!(courses.facts().len(), 4);
}

#[test]
fn a_reply_of_nothing_is_empty_and_a_fact_of_the_past_need_not_be_declared() {
    let mut courses = TestAggregate::new().given("course.renamed", &"art", ["course/c1"]);
    let command = Command { subject: Some("c1".to_owned()), ..Command::new("course.define", 3) };
    let accepted = courses.send(command).unwrap();
    accepted.reply::<()>().unwrap();
    assert_eq!(accepted.reply::<Bytes>().unwrap(), Bytes::default());
    assert_eq!(courses.load::<Course>("c1").unwrap().unwrap().capacity, 3);
}

#[test]
fn a_decision_has_configuration_time_chance_and_log_lines() {
    let mut courses =
        TestAggregate::new().with_config("region", "eu").with_now_ms(7).with_offset(40).with_attempt(2);
    let mut ask = || courses.send(Command::new("inputs.ask", Bytes::default())).unwrap().reply().unwrap();
    let (first, second): (Inputs, Inputs) = (ask(), ask());
    assert_eq!((first.region.as_deref(), first.now_ms, first.attempt), (Some("eu"), 7, 2));
    assert_eq!((first.offset, second.offset), (40, 41));
    assert_ne!(first.random, second.random, "each command has random numbers of its own");
    assert_eq!(courses.logged()[0].message, "asked by /test");
}

#[test]
fn unknown_commands_and_scopes_are_rejected_by_name() {
    let reason = |command| TestAggregate::new().send(Command::new(command, ())).unwrap_err();
    assert_eq!(format!("{:?}", reason("course.paint")), "reject: the plugin does not decide `course.paint`");
    let expected = "reject: `lost.find` has the scope \"lost\", but the plugin has no `#[scope(\"lost\")]`";
    assert_eq!(format!("{:?}", reason("lost.find")), expected);
    let reason = std::panic::catch_unwind(|| TestAggregate::new().given("a", &(), ["lost/1"])).err().unwrap();
    let reason = reason.downcast_ref::<String>().unwrap();
    assert!(reason.ends_with("the plugin has no `#[scope(\"lost\")]` for `lost/1`"), "{reason}");
}

#[test]
fn data_that_cannot_be_read_is_rejected_before_the_function_runs() {
    let declined = course(1).send(Command::new("course.subscribe", 7)).unwrap_err();
    let reason = declined.failure().unwrap().reason();
    assert!(reason.starts_with("data of `course.subscribe` cannot be decoded as Subscribe: "), "{reason}");
}

#[test]
fn a_fact_that_is_about_no_scope_fails_the_decision() {
    assert_eq!(mistake("no-scope"), "fact `mistake.made` is about no scope; add `.about(…)`");
    let declined = course(1).send(Command::new("mistake.make", "no-scope, refused")).unwrap_err();
    assert_eq!(code(&declined), "refused", "a refused command records nothing, so nothing is lost");
}

#[test]
fn a_fact_that_cannot_be_recorded_fails_the_decision_even_if_the_error_is_dropped() {
    assert_eq!(mistake("twice"), "fact `mistake.made` is about `course/c1` twice");
    assert_eq!(mistake("unencodable"), "data of `mistake.made` cannot be encoded: key must be a string");
    assert_eq!(mistake("no-id"), "fact `mistake.made` is about `course/`, whose id is empty");
    assert!(
        mistake("undeclared").starts_with("`never.declared` is recorded but not declared. Add `records(")
    );
    assert_eq!(mistake("refuses badly"), "data of refusal `odd` cannot be encoded: key must be a string");
}

#[test]
fn a_standard_error_in_a_decision_is_a_retry() {
    let declined = course(1).send(Command::new("mistake.make", "nine")).unwrap_err();
    assert_eq!(format!("{declined:?}"), "retry: invalid digit found in string");
}

#[test]
fn a_state_without_an_order_of_its_own_is_refused() {
    let reason = mistake("bag");
    assert!(
        reason.starts_with("the fold of `bag/b1` depends on how its facts are divided into calls"),
        "{reason}"
    );
}

#[test]
fn a_state_that_is_not_serialized_whole_is_refused() {
    let mut log = course(1);
    log.send(Command::new("mistake.make", "1")).unwrap();
    let declined = log.send(Command::new("mistake.make", "2")).unwrap_err();
    let reason = declined.failure().unwrap().reason();
    assert!(
        reason.starts_with("the fold of `log/l1` depends on how its facts are divided into calls"),
        "{reason}"
    );
    assert_eq!(log.load::<Log>("l1").unwrap().unwrap().sum, 1, "the second one recorded nothing");
    assert_eq!(log.facts().len(), 2);
}

#[test]
fn a_fact_that_cannot_be_applied_is_rejected_with_its_scope() {
    let reason = mistake("fails");
    let expected =
        "fact `log.kept` 1-0-1 cannot be applied to `log/l1`: data of `log.kept` cannot be decoded as u32";
    assert!(reason.starts_with(expected), "{reason}");
}

#[test]
fn maps_without_order_give_the_same_state_however_facts_are_divided() {
    let mut courses = course(200);
    for student in 0..100 {
        courses.send(subscription("c1", &format!("s{student}"))).unwrap();
    }
    let course = courses.load::<Course>("c1").unwrap().unwrap();
    assert_eq!((course.students, course.places.len(), course.places["s41"]), (100, 100, 42));
}
