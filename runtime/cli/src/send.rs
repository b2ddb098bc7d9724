//! `camshaft send`: sends a command to the consumer that owns its type, and prints the answer.

use std::{
    io::{self, Read},
    thread,
    time::{Duration, Instant},
};

use camshaft::parse_duration;
use camshaft_event::{EXPECT, Event, ScopeVersion, cloudevents};
use camshaft_wire::{AnswerView, CommandStatus, CommandView, ErrorCode, FactsView, ScopeVersionView};
use clap::Args;
use serde_json::{Value, value::RawValue};

use super::{
    client::{Client, Refusal},
    consumers::waits_for,
    failure::Failure,
    output,
    publish::random_id,
    scopes,
    table::{sheet, time},
};
use crate::text;

/// Longest time that one request waits. A longer wait is made of several requests.
const ROUND: Duration = Duration::from_secs(30);

/// Shortest pause before the command is sent again.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "\
The command may be sent again with the same id, for example after a failure. It is not
executed again: the runtime returns the first answer.

Exits with 0 if the command was accepted, with 3 if it was refused or discarded or if a
scope has another version than expected, and with 4 if no consumer owns its type, if it is
a dead letter or if it has no answer yet. With --wait 0, a command without an answer exits
with 0: it is in the log.")]
pub struct Arguments {
    /// Command type, such as account.withdraw
    #[arg(value_name = "TYPE")]
    command_type: String,

    /// Data as JSON; - reads it from stdin
    #[arg(allow_negative_numbers = true)]
    data: Option<String>,

    /// Subject of the command; commands with the same subject are decided in order
    #[arg(long)]
    subject: Option<String>,

    /// Source of the command
    #[arg(long, default_value = "/cli")]
    source: String,

    /// Id of the command; repeat it to send the same command again [default: a new id]
    #[arg(long)]
    id: Option<String>,

    /// Version that a scope must have, such as account/9=7; 0 if it has no facts. Repeatable
    #[arg(long, value_name = "SCOPE=N", value_parser = expectation)]
    expect: Vec<ScopeVersion>,

    /// Maximum time to wait for the answer, such as 30s; 0 does not wait
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = wait)]
    wait: Duration,
}

pub fn send(client: &Client, arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let command = command(arguments)?;
    let body = cloudevents::print(&command, None);
    let sent = send_until_answered(client, &body, arguments.wait);
    let (view, failure) = match sent {
        Ok(view) => {
            let failure = unanswered(&view, &command.id, arguments.wait);
            (Some(view), failure)
        }
        Err(refusal) => refused(refusal, &command.id),
    };
    if let Some(view) = &view {
        if json {
            output::json(view)?;
        } else if failure.is_none() {
            output::print(&shown(view))?;
        }
        if view.duplicate == Some(true) {
            output::note("this command was sent before; it was not executed again");
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The command that the arguments describe.
fn command(arguments: &Arguments) -> Result<Event, Failure> {
    let data = match arguments.data.as_deref() {
        Some("-") => {
            let mut text = String::new();
            let read = io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failure::read("stdin", &error))?;
            Some(text)
        }
        given => given.map(str::to_owned),
    };
    if let Some(Err(error)) = data.as_deref().map(serde_json::from_str::<&RawValue>) {
        return Err(Failure::new(ErrorCode::InvalidEvent, format!("the data is not JSON: {error}"))
            .hint("Write one JSON value, quoted for the shell, such as '{\"amount\": 5}'."));
    }
    let mut command = Event {
        id: arguments.id.clone().unwrap_or_else(random_id),
        source: arguments.source.clone(),
        event_type: arguments.command_type.clone(),
        subject: arguments.subject.clone(),
        time: Some(format!("{:.3}", jiff::Timestamp::now())),
        datacontenttype: data.is_some().then(|| "application/json".to_owned()),
        data: data.unwrap_or_default().into_bytes(),
        ..Event::default()
    };
    if !arguments.expect.is_empty() {
        command.set_extension(EXPECT, ScopeVersion::list(&arguments.expect));
    }
    cloudevents::validate(&command)
        .map_err(|error| Failure::new(ErrorCode::InvalidEvent, error.to_string()).hint(error.hint()))?;
    Ok(command)
}

/// Sends the command until it has an answer, is a dead letter, or `wait` is over. It also sends it again
/// after a failure of the network: the id stays the same, so the command is executed at most once.
fn send_until_answered(client: &Client, body: &str, wait: Duration) -> Result<CommandView, Refusal> {
    let deadline = Instant::now() + wait;
    let remaining = || deadline.saturating_duration_since(Instant::now());
    // Whether the command was known before this program sent it.
    let mut duplicate = None;
    loop {
        let sent = client.send(body, remaining().min(ROUND)).map(|view| {
            let duplicate = *duplicate.get_or_insert(view.duplicate);
            CommandView { duplicate, ..view }
        });
        if sent.is_err() {
            // A request without an answer may have sent it, so a later one cannot tell.
            duplicate.get_or_insert(Some(false));
        }
        let pause = match &sent {
            Ok(view) => (!is_settled(view)).then_some(PAUSE),
            Err(refusal) => again_after(refusal),
        };
        match pause.filter(|pause| *pause < remaining()) {
            Some(pause) => thread::sleep(pause),
            None => return sent,
        }
    }
}

/// Whether waiting longer changes nothing.
const fn is_settled(view: &CommandView) -> bool {
    matches!(view.state, CommandStatus::Answered | CommandStatus::Discarded | CommandStatus::Dead)
}

/// When to send the command again after a failure that may pass; none if it will not pass.
fn again_after(refusal: &Refusal) -> Option<Duration> {
    match refusal {
        Refusal::Failure(failure) => (failure.code() == ErrorCode::Unreachable).then_some(PAUSE),
        Refusal::Problem { document, retry_after } => {
            let is_unowned = ErrorCode::from_urn(&document.urn) == Some(ErrorCode::NoOwner);
            retry_after.filter(|_| !is_unowned).map(|pause| pause.max(PAUSE))
        }
    }
}

/// The command that a refusal names, if it names one, and the failure that ends the program.
fn refused(refusal: Refusal, id: &str) -> (Option<CommandView>, Option<Failure>) {
    let may_be_sent = again_after(&refusal).is_some();
    let Refusal::Problem { document, .. } = &refusal else {
        let failure = refusal.into_failure();
        return (None, Some(if may_be_sent { failure.detail(send_again(id)) } else { failure }));
    };
    let offset = document.offset.map(camshaft_event::Offset);
    let refused = document.refusal.clone().map(AnswerView::Refused);
    let answer = refused.or_else(|| document.mismatch.clone().map(AnswerView::Mismatch));
    let view = match (ErrorCode::from_urn(&document.urn), offset) {
        (Some(ErrorCode::CommandRefused | ErrorCode::VersionMismatch), Some(offset)) => {
            Some(CommandView { answer, ..CommandView::new(offset, CommandStatus::Answered) })
        }
        (Some(ErrorCode::CommandDiscarded), Some(offset)) => {
            Some(CommandView::new(offset, CommandStatus::Discarded))
        }
        _ => None,
    };
    let failure = match &document.refusal {
        Some(refusal) => {
            let at = offset.map(|offset| format!(" at offset {offset}")).unwrap_or_default();
            let (code, message) = (&refusal.code, &refusal.message);
            let message = format!("the command{at} was refused: {code}: {message}");
            let failure = Failure::new(ErrorCode::CommandRefused, message);
            if refusal.data.is_null() { failure } else { failure.detail(format!("data: {}", refusal.data)) }
        }
        None if may_be_sent => refusal.into_failure().detail(send_again(id)),
        None => refusal.into_failure(),
    };
    (view, Some(failure))
}

fn send_again(id: &str) -> String {
    format!("The command may be in the log. Run this again with --id {id}: it is not executed twice.")
}

/// The failure of a command without an answer. There is none if the user did not want to wait for it.
fn unanswered(view: &CommandView, id: &str, wait: Duration) -> Option<Failure> {
    let CommandView { offset, state, consumer, .. } = view;
    if *state == CommandStatus::Dead {
        let consumer = consumer.as_deref().unwrap_or_default();
        let message = format!("the command at offset {offset} is a dead letter of \"{consumer}\"");
        return Some(Failure::new(ErrorCode::NotYet, message).hint(format!(
            "Run `camshaft dead-letters show {consumer}:{offset}` to see why; redrive or discard it there."
        )));
    }
    if is_settled(view) || wait.is_zero() {
        return None;
    }
    let why = view.waits_for.map(|cause| format!("; it waits for {}", waits_for(cause))).unwrap_or_default();
    let message = format!("the command at offset {offset} has no answer yet: it is {}{why}", status(view));
    Some(Failure::new(ErrorCode::NotYet, message).hint(format!(
        "Run this again with --id {id} to wait longer, or ask for its state with `camshaft show {offset}`."
    )))
}

/// The state of a command, one value per line.
pub fn shown(view: &CommandView) -> String {
    let (reply, refusal, mismatch) = match &view.answer {
        Some(AnswerView::Accepted(reply)) => (Some(reply), None, None),
        Some(AnswerView::Refused(refusal)) => (None, Some(refusal), None),
        Some(AnswerView::Mismatch(mismatch)) => (None, None, Some(mismatch)),
        None => (None, None, None),
    };
    sheet([
        ("command", Some(status(view).to_owned())),
        ("offset", Some(view.offset.to_string())),
        ("consumer", view.consumer.clone()),
        ("waits for", view.waits_for.map(waits_for)),
        ("due", view.due.map(time)),
        ("facts", view.facts.map(facts)),
        ("scopes", scopes_of(&view.scopes)),
        ("scope", mismatch.map(|mismatch| text::line(&mismatch.scope).into_owned())),
        ("expected", mismatch.map(|mismatch| mismatch.expected.to_string())),
        ("actual", mismatch.map(|mismatch| mismatch.actual.to_string())),
        ("reply", reply.and_then(pretty)),
        ("code", refusal.map(|refusal| text::line(&refusal.code).into_owned())),
        ("message", refusal.map(|refusal| text::line(&refusal.message).into_owned())),
        ("data", refusal.and_then(|refusal| pretty(&refusal.data))),
    ])
}

/// The scopes of a decision, one per line.
fn scopes_of(scopes: &[ScopeVersionView]) -> Option<String> {
    let line = |at: &ScopeVersionView| format!("{} at version {}", text::line(&at.scope), at.version);
    let lines: Vec<String> = scopes.iter().map(line).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// JSON over several lines; none for null.
pub fn pretty(value: &Value) -> Option<String> {
    let pretty = serde_json::to_string_pretty(value).expect("a JSON value serializes");
    (!value.is_null()).then(|| text::json(&pretty).into_owned())
}

fn facts(FactsView { first, last }: FactsView) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

const fn status(view: &CommandView) -> &'static str {
    match view.state {
        CommandStatus::Pending => "pending",
        CommandStatus::Held => "held",
        CommandStatus::Parked => "parked",
        CommandStatus::Suspended => "suspended",
        CommandStatus::Dead => "dead",
        CommandStatus::Discarded => "discarded",
        CommandStatus::Answered => match view.answer {
            Some(AnswerView::Refused(_)) => "refused",
            Some(AnswerView::Mismatch(_)) => "version mismatch",
            Some(AnswerView::Accepted(_)) | None => "accepted",
        },
    }
}

/// A scope and its expected version, in the form `account/9=7`.
fn expectation(text: &str) -> Result<ScopeVersion, String> {
    let (name, version) = text.rsplit_once('=').ok_or("write SCOPE=N, such as account/9=7")?;
    let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    let number = version.parse().ok().filter(|_| is_number);
    let version = number.ok_or_else(|| format!("\"{version}\" is not a version"))?;
    Ok(ScopeVersion { scope: scopes::scope(name).map_err(|error| error.to_string())?, version })
}

fn wait(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { parse_duration(text) }
}

#[cfg(test)]
mod tests {
    use camshaft_event::{Offset, Timestamp};
    use camshaft_wire::{MismatchView, RefusedView, WaitsForView};
    use serde_json::json;

    use super::*;

    fn answered(answer: AnswerView) -> CommandView {
        CommandView { answer: Some(answer), ..CommandView::new(Offset(17), CommandStatus::Answered) }
    }

    #[test]
    fn an_accepted_command_is_shown_with_its_facts_and_its_reply() {
        let facts = Some(FactsView { first: Offset(18), last: Offset(19) });
        let view = CommandView { facts, ..answered(AnswerView::Accepted(json!({"balance": 7}))) };
        insta::assert_snapshot!(shown(&view), @r#"
        command  accepted
        offset   17
        facts    18 to 19
        reply    {
                   "balance": 7
                 }
        "#);
    }

    #[test]
    fn an_answer_is_shown_with_the_versions_of_its_scopes() {
        let at = |scope: &str, version| ScopeVersionView { scope: scope.into(), version };
        let accepted = answered(AnswerView::Accepted(json!(null)));
        let view = CommandView { scopes: vec![at("account/9", 7), at("a\u{1b}/\nb", 1)], ..accepted };
        insta::assert_snapshot!(shown(&view), @r"
        command  accepted
        offset   17
        scopes   account/9 at version 7
                 a\u{1b}/\nb at version 1
        ");
        let (scope, expected, actual) = ("account/9".into(), 6, 7);
        let mismatch = AnswerView::Mismatch(MismatchView { scope, expected, actual });
        insta::assert_snapshot!(shown(&answered(mismatch)), @r"
        command   version mismatch
        offset    17
        scope     account/9
        expected  6
        actual    7
        ");
    }

    #[test]
    fn an_expectation_is_a_scope_and_its_version() {
        let expected = |text: &str| expectation(text).map(|expected| expected.to_string());
        assert_eq!(expected("account/9=7").as_deref(), Ok("account/9@7"));
        assert_eq!(expected("account/a=b=0").as_deref(), Ok("account/a%3Db@0"));
        for text in ["account/9", "account/9=", "account/9=+1", "account=1", "/9=1"] {
            assert!(expected(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_makes_no_line_of_its_own() {
        let refusal = RefusedView {
            code: "no\nmoney".into(),
            message: "come\u{1b}[2J back\noffset  1".into(),
            data: json!("\u{202e}"),
        };
        insta::assert_snapshot!(shown(&answered(AnswerView::Refused(refusal))), @r#"
        command  refused
        offset   17
        code     no\nmoney
        message  come\u{1b}[2J back\noffset  1
        data     "\u202e"
        "#);
    }

    #[test]
    fn a_command_that_waits_says_for_what_and_how_to_ask_again() {
        let view = CommandView {
            consumer: Some("account".into()),
            waits_for: Some(WaitsForView::Retry { due: Timestamp(1_769_860_800_000) }),
            ..CommandView::new(Offset(17), CommandStatus::Held)
        };
        let failure = unanswered(&view, "c-1", Duration::from_secs(1)).unwrap();
        assert_eq!(
            failure.line(),
            "the command at offset 17 has no answer yet: it is held; it waits for its next attempt, at \
             2026-01-31T12:00:00Z [not-yet]"
        );
        assert!(failure.hint_text().contains("--id c-1"), "{}", failure.hint_text());
        assert!(unanswered(&view, "c-1", Duration::ZERO).is_none(), "the user did not want to wait");
    }

    #[test]
    fn waiting_for_no_time_is_written_as_zero() {
        assert_eq!(wait("0"), Ok(Duration::ZERO));
        assert_eq!(wait("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(wait("soon").is_err());
    }
}
