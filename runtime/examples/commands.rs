//! An account decides commands: each one gets one durable answer, and sending it again changes nothing.
//!
//! Run it with `cargo run --package camshaft --example commands`.

use std::error::Error;
use std::time::Duration;

use camshaft::view::{AnswerView, CommandView};
use camshaft::{
    Attempt, AttemptContext, CommandRefusal, Config, Event, Failure, NewEvent, Runtime, Subscription,
};

/// How long a sender waits for an answer.
const WAIT: Duration = Duration::from_secs(30);

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
    // Commands of these types reach this closure and no other owner, in order per subject.
    let owned = Subscription::commands(["account.deposit", "account.withdraw"]);
    runtime.subscribe("account", owned, decide).await?;

    runtime.send(command("1", "account.deposit", 10), WAIT).await?;
    let accepted = runtime.send(command("2", "account.withdraw", 7), WAIT).await?;
    println!("the first withdrawal: {:?}", accepted.answer);
    assert_eq!(accepted.answer, Some(AnswerView::Accepted(3.into())));

    // An accepted command publishes facts. They commit together with the answer.
    let facts = accepted.facts.ok_or("the withdrawal published nothing")?;
    let fact = runtime.read(facts.first, 1).await?.remove(0);
    assert_eq!(fact.event.event_type, "account.withdrawn");

    // A sender that got no answer sends the command again. It is not executed twice.
    let again = runtime.send(command("2", "account.withdraw", 7), WAIT).await?;
    assert_eq!((again.duplicate, &again.answer), (Some(true), &accepted.answer));

    let refused = runtime.send(command("3", "account.withdraw", 7), WAIT).await?;
    println!("the second withdrawal: {:?}", refused.answer);
    assert_eq!(code(&refused), Some("too-little"));
    assert_eq!(runtime.state_get("account", b"account-9").await?, Some(b"3".to_vec()));

    runtime.shutdown().await;
    Ok(())
}

fn command(id: &str, command_type: &str, amount: u32) -> Event {
    Event {
        id: id.into(),
        source: "/teller".into(),
        event_type: command_type.into(),
        subject: Some("account-9".into()),
        data: amount.to_string().into_bytes(),
        ..Event::default()
    }
}

/// Decides one command. Its state holds the balance of each account.
fn decide(command: &Event, attempt: &mut Attempt) -> Result<(), Failure> {
    let account = command.subject.as_deref().ok_or_else(|| Failure::reject("no account is named"))?;
    let balance = number(attempt.get(account.as_bytes())?.as_deref())?;
    let amount = number(Some(&command.data))?;
    let (balance, fact) = match command.event_type.as_str() {
        "account.deposit" => (balance + amount, "account.deposited"),
        _ if amount > balance => {
            // A refusal is an answer, not a failure. The writes of the attempt are dropped.
            attempt.answer(Err(CommandRefusal {
                code: "too-little".into(),
                message: format!("the balance is only {balance}"),
                ..CommandRefusal::default()
            }))?;
            return Ok(());
        }
        _ => (balance - amount, "account.withdrawn"),
    };
    attempt.set(account.as_bytes(), balance.to_string().as_bytes())?;
    let data = command.data.clone();
    attempt.publish(NewEvent { event_type: fact.into(), data, ..NewEvent::default() })?;
    attempt.answer(Ok(balance.to_string().into_bytes()))?;
    Ok(())
}

/// A number in decimal digits; 0 if there is none.
fn number(text: Option<&[u8]>) -> Result<u32, Failure> {
    let Some(text) = text else { return Ok(0) };
    let text = std::str::from_utf8(text).map_err(|_| Failure::reject("not a number"))?;
    text.parse().map_err(|_| Failure::reject("not a number"))
}

/// The code of a refusal.
fn code(view: &CommandView) -> Option<&str> {
    match &view.answer {
        Some(AnswerView::Refused(refusal)) => Some(&refusal.code),
        _ => None,
    }
}
