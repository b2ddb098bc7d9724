//! `/commands`: sent, answered, refused, waited for and shown. Closures own the command types.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use camshaft::{Attempt, AttemptContext, Event, Failure, Subscription};
use camshaft_event::{NewEvent, Offset, Refusal};

use super::*;

mod conditions;
mod refusals;
mod states;

/// What the owner `account` does with a command; its data says so.
fn decide(event: &Event, attempt: &mut Attempt, is_well: &AtomicBool) -> Result<(), Failure> {
    let data: Value = serde_json::from_slice(&event.data).unwrap_or_default();
    match data["do"].as_str() {
        Some("refuse") => {
            attempt.set(b"balance", b"0")?;
            attempt.publish(NewEvent { event_type: "account.emptied".into(), ..NewEvent::default() })?;
            attempt.answer(Err(Refusal {
                code: "no-money".into(),
                message: "the balance is 3".into(),
                data: br#"{"balance":3}"#.to_vec().into(),
            }))?;
        }
        Some("wait") if !is_well.load(Ordering::SeqCst) => {
            return Err(Failure::retry_after(Duration::from_hours(1), "the bank is away"));
        }
        Some("die") if !is_well.load(Ordering::SeqCst) => return Err(Failure::reject("broken")),
        Some("answer") => {
            let bytes = usize::try_from(data["bytes"].as_u64().unwrap_or_default()).unwrap_or_default();
            attempt.answer(Ok(vec![b'1'; bytes]))?;
        }
        _ => {
            for event_type in ["account.withdrawn", "account.changed"] {
                attempt.publish(NewEvent { event_type: event_type.into(), ..NewEvent::default() })?;
            }
            attempt.answer(Ok(br#"{"balance":7}"#.to_vec()))?;
        }
    }
    Ok(())
}

/// The owner of `account.withdraw`. Commands that wait or die are decided once the flag is set.
async fn account(api: &Fixture) -> Arc<AtomicBool> {
    let is_well = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_well);
    let owned = Subscription::commands(["account.withdraw"]);
    let decide = move |event: &Event, attempt: &mut Attempt| decide(event, attempt, &seen);
    api.runtime.subscribe("account", owned, decide).await.unwrap();
    is_well
}

fn command(id: &str, data: Value) -> Value {
    let mut command = event(id, "account.withdraw");
    command["subject"] = id.into();
    command["data"] = data;
    command
}

fn act(what: &str) -> Value {
    json!({"do": what})
}

impl Fixture {
    /// Sends one command with these headers.
    pub(super) async fn send_with(&self, command: &Value, headers: &[(&str, &str)]) -> Answer {
        let request =
            request("POST", "/commands").header(header::CONTENT_TYPE, camshaft::cloudevents::MEDIA_TYPE);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.ask(request.body(Body::from(command.to_string())).unwrap()).await
    }

    /// Sends one command and waits long for its answer.
    pub(super) async fn send_command(&self, command: &Value) -> Answer {
        self.send_with(command, &[("prefer", "wait=20")]).await
    }

    pub(super) async fn send_commands(&self, commands: &Value) -> Answer {
        let request = request("POST", "/commands")
            .header(header::CONTENT_TYPE, camshaft::cloudevents::BATCH_MEDIA_TYPE)
            .header("prefer", "wait=20");
        self.ask(request.body(Body::from(commands.to_string())).unwrap()).await
    }

    /// Sends a command without waiting, and waits until it has the state `state`.
    async fn sent_until(&self, command: &Value, state: &str) -> (u64, Value) {
        let sent = self.send_with(command, &[("prefer", "respond-async")]).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text());
        let offset = sent.json()["offset"].as_u64().unwrap();
        (offset, self.until(offset, state).await)
    }

    /// Waits until the command at `offset` has the state `state`.
    async fn until(&self, offset: u64, state: &str) -> Value {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let shown = self.get(&format!("/commands/{offset}")).await;
            assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
            let shown = shown.json();
            if shown["state"] == state {
                return shown;
            }
            assert!(tokio::time::Instant::now() < end, "it should be {state}: {shown}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn an_accepted_command_is_answered_with_its_reply_and_its_facts() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let answer = api.send_command(&command("c-1", json!({}))).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let view = answer.json();
            assert_eq!((&view["state"], &view["duplicate"]), (&json!("answered"), &json!(false)));
            assert_eq!(view["answer"], json!({"accepted": {"balance": 7}}));
            let (first, last) = (view["facts"]["first"].as_u64().unwrap(), view["facts"]["last"].as_u64());
            assert_eq!(last, Some(first + 1));
            let fact = api.get(&format!("/events/{first}")).await.json();
            assert_eq!(fact["event"]["type"], "account.withdrawn");
            assert_eq!(fact["event"]["causationid"], "c-1");
        },
    )
    .await;
}

#[tokio::test]
async fn a_refused_command_has_the_refusal_in_its_problem_and_no_effects() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let answer = api.send_command(&command("c-1", act("refuse"))).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            let problem = answer.problem("refused");
            let refusal = json!({"code": "no-money", "message": "the balance is 3", "data": {"balance": 3}});
            assert_eq!((&problem["refusal"], &problem["detail"]), (&refusal, &json!("the balance is 3")));
            let offset = problem["offset"].as_u64().unwrap();
            assert!(api.runtime.state_get("account", b"balance").await.unwrap().is_none());
            let later = api.runtime.read(Offset(offset + 1), 100).await.unwrap();
            assert!(later.iter().all(|later| later.event.event_type != "account.emptied"), "{later:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn the_same_command_again_gets_the_first_answer() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let first = api.send_command(&command("c-1", json!({}))).await.json();
            let again = api.send_command(&command("c-1", json!({}))).await;
            assert_eq!(again.status, StatusCode::OK);
            let mut expected = first;
            expected["duplicate"] = true.into();
            assert_eq!(again.json(), expected);
            let refused = api.send_command(&command("c-2", act("refuse"))).await.problem("refused");
            let again = api.send_command(&command("c-2", act("refuse"))).await.problem("refused");
            assert_eq!(again, refused);
        },
    )
    .await;
}

#[tokio::test]
async fn a_known_command_with_other_content_is_a_conflict() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let offset = api.send_command(&command("c-1", json!({}))).await.json()["offset"].clone();
            let other = api.send_command(&command("c-1", json!({"amount": 9}))).await;
            assert_eq!(other.status, StatusCode::CONFLICT);
            assert_eq!(other.problem("event-conflict")["offset"], offset);
        },
    )
    .await;
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let batch =
                json!([command("c-1", json!({})), command("c-2", act("refuse")), command("c-3", act("die"))]);
            let answer = api.send_commands(&batch).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let results = answer.json()["results"].clone();
            let states: Vec<&Value> = results.as_array().unwrap().iter().map(|view| &view["state"]).collect();
            assert_eq!(states, ["answered", "answered", "dead"]);
            assert_eq!(results[0]["answer"]["accepted"]["balance"], 7);
            assert_eq!(results[1]["answer"]["refused"]["code"], "no-money");
            let first = results[0]["offset"].as_u64().unwrap();
            assert_eq!(
                (&results[1]["offset"], &results[2]["offset"]),
                (&json!(first + 1), &json!(first + 2))
            );
        },
    )
    .await;
}

#[tokio::test]
async fn one_bad_command_refuses_the_whole_batch() {
    with_api(
        |_| {},
        async |api| {
            account(api).await;
            let tail = api.runtime.tail();
            let batch = json!([command("c-1", json!({})), event("c-2", "account.close")]);
            let answer = api.send_commands(&batch).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.problem("no-owner")["index"], 1);
            assert_eq!(api.runtime.tail(), tail, "nothing was sent");
        },
    )
    .await;
}
