//! A course takes students until it is full: each decision records a fact about the course, and a sender may
//! expect a version of it.
//!
//! Run it with `cargo run --package camshaft --example aggregates`.

use std::error::Error;
use std::time::Duration;

use camshaft::view::AnswerView;
use camshaft::{
    Attempt, AttemptContext, CommandRefusal, Config, Event, Failure, NewEvent, NewFact, Runtime, Scope,
    ScopeAt, Subscription,
};

/// How long a sender waits for an answer.
const WAIT: Duration = Duration::from_secs(30);

/// Students that a course takes.
const CAPACITY: usize = 2;

/// Runs the example.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        data: folder.path().join("data"),
        plugins: folder.path().join("plugins"),
        ..Config::default()
    };
    let runtime = Runtime::open(config).await?;
    let course = Subscription::commands(["course.subscribe"])
        .records(["student.subscribed"])
        .scope("course.subscribe", "course")
        // The fold of a course is its list of students.
        .evolve(|_, fold, facts| {
            let mut students = students(fold)?;
            for fact in facts {
                students.push(serde_json::from_slice(&fact.data)?);
            }
            Ok(serde_json::to_vec(&students)?)
        });
    runtime.subscribe("course", course, decide).await?;

    let first = runtime.send(subscribe("ada"), WAIT).await?;
    assert_eq!((first.scopes[0].scope.as_str(), first.scopes[0].version), ("course/c1", 1));

    // This sender has seen version 0, and another student came first.
    let mut late = subscribe("bob");
    runtime.expect(&mut late, 0)?;
    let late = runtime.send(late, WAIT).await?;
    println!("the late command: {:?}", late.answer);
    assert!(matches!(late.answer, Some(AnswerView::Mismatch(mismatch)) if mismatch.actual == 1));

    runtime.send(subscribe("eve"), WAIT).await?;
    let full = runtime.send(subscribe("joe"), WAIT).await?;
    assert!(matches!(full.answer, Some(AnswerView::Refused(refusal)) if refusal.code == "course-full"));

    // The facts are kept, so each earlier version can be shown.
    let scope = Scope::new("course", "c1")?;
    let now = runtime.scope("course", &scope, None).await?;
    let then = runtime.scope("course", &scope, Some(ScopeAt::Version(1))).await?;
    println!("students now: {}, at version 1: {}", now.fold, then.fold);
    assert_eq!((now.version, then.fold.to_string().as_str()), (2, r#"["ada"]"#));

    runtime.shutdown().await;
    Ok(())
}

fn subscribe(student: &str) -> Event {
    Event {
        id: student.into(),
        source: "/school".into(),
        event_type: "course.subscribe".into(),
        subject: Some("c1".into()),
        data: format!("\"{student}\"").into_bytes(),
        ..Event::default()
    }
}

/// Decides one command by the fold of its course.
fn decide(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let course = Scope::new("course", command.subject.as_deref().unwrap_or_default())?;
    if students(attempt.load(&course)?.as_deref())?.len() >= CAPACITY {
        attempt.answer(Err(CommandRefusal { code: "course-full".into(), ..CommandRefusal::default() }))?;
        return Ok(());
    }
    let data = command.data.clone();
    let event = NewEvent { event_type: "student.subscribed".into(), data, ..NewEvent::default() };
    attempt.record(NewFact { event, about: vec![course] })?;
    Ok(())
}

fn students(fold: Option<&[u8]>) -> Result<Vec<String>, Failure> {
    Ok(fold.map_or(Ok(Vec::new()), serde_json::from_slice)?)
}
