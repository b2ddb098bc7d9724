//! Senders of commands: each moves money between accounts of an aggregate, again and again until it is
//! answered. A repeated command must get its first answer, and no money may be lost or made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use camshaft_guest_build::Component;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::client::Client;

/// The aggregate: a test guest.
pub(super) const AGGREGATE: &str = "account";

/// The plugin's version.
pub(super) const VERSION: &str = "1.0.0";

const TELLERS: u64 = 2;
const ACCOUNTS: u32 = 6;
/// What each account has at first.
const DEPOSIT: i64 = 100;
/// How long a teller waits before it repeats itself.
const PATIENCE: Duration = Duration::from_millis(15);

/// A command, and what it was answered.
struct Answered {
    command: Value,
    /// `answer` and `offset`, or the whole problem document of a refusal.
    answer: Value,
}

pub(super) struct Tellers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Vec<Answered>>>>,
}

/// All commands that were answered.
pub(super) struct Answers(Vec<Answered>);

struct Shared {
    url: Mutex<String>,
    stopping: AtomicBool,
}

/// Puts the aggregate into the plugins directory.
pub(super) fn put(plugins: &Path, built: &[Component]) -> Result<()> {
    let found = built.iter().find(|component| component.name == AGGREGATE);
    let path = &found.with_context(|| format!("the plugin {AGGREGATE} was not built"))?.path;
    fs::copy(path, plugins.join(format!("{AGGREGATE}.wasm")))?;
    // An event that was in flight at a kill runs alone, and all others wait for it.
    let policy = "[policy]\nbackoff = { base = \"10ms\", max = \"20ms\" }\n";
    fs::write(plugins.join(format!("{AGGREGATE}.toml")), policy)?;
    Ok(())
}

impl Tellers {
    pub(super) fn start(url: &str, seed: u64) -> Self {
        let shared = Arc::new(Shared { url: Mutex::new(url.to_owned()), stopping: AtomicBool::new(false) });
        let start = |number: u64| {
            let shared = Arc::clone(&shared);
            let random = ChaCha8Rng::seed_from_u64(seed ^ number);
            thread::spawn(move || shared.work(number, random))
        };
        Self { threads: (0..TELLERS).map(start).collect(), shared }
    }

    /// The runtime listens there now.
    pub(super) fn go_on_at(&self, url: &str) {
        url.clone_into(&mut self.shared.url.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Lets each finish what it has begun.
    pub(super) fn finish(self) -> Result<Answers> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for thread in self.threads {
            answers.extend(thread.join().map_err(|_| anyhow!("a teller panicked"))??);
        }
        Ok(Answers(answers))
    }
}

impl Answers {
    /// How many commands were accepted, and how many were refused.
    pub(super) fn counts(&self) -> (usize, usize) {
        let accepted =
            self.0.iter().filter(|answered| answered.answer["answer"]["accepted"].is_i64()).count();
        (accepted, self.0.len() - accepted)
    }

    /// Each repeated command gets its first answer, and the balances add up to the deposits.
    pub(super) fn check(&self, url: &str) -> Result<()> {
        let agent = agent();
        for Answered { command, answer } in &self.0 {
            let again = send(&agent, url, command)?.context("a repeated command has no answer")?;
            ensure!(again == *answer, "{command} was answered {answer}, and then {again}");
        }
        let client = Client::new(url);
        let mut sum = 0;
        for number in 0..ACCOUNTS {
            let scope = client.get(&format!("/scopes/{AGGREGATE}/account/a{number}"))?;
            let (version, facts) = (
                &scope["version"],
                client.get(&format!(
                    "/scopes/{AGGREGATE}/account/a{number}/facts?limit=1&from={}",
                    scope["version"]
                ))?,
            );
            ensure!(facts["items"][0]["version"] == *version, "the last fact of a{number}: {facts}");
            sum += scope["fold"].as_i64().with_context(|| format!("the balance of a{number}: {scope}"))?;
        }
        let deposited = DEPOSIT * i64::from(ACCOUNTS);
        ensure!(sum == deposited, "the balances add up to {sum} instead of {deposited}");
        Ok(())
    }
}

impl Shared {
    fn work(&self, number: u64, mut random: ChaCha8Rng) -> Result<Vec<Answered>> {
        let agent = agent();
        let mut answered = Vec::new();
        if number == 0 {
            for account in 0..ACCOUNTS {
                let deposit =
                    command(&format!("d{account}"), "account.deposit", account, &DEPOSIT.to_string());
                answered.extend(self.answer(&agent, deposit)?);
            }
        }
        let mut serial = 0;
        while !self.stopping.load(Ordering::Relaxed) {
            let mut some = |sides: u32| random.next_u32() % sides;
            let (from, step, amount) = (some(ACCOUNTS), some(ACCOUNTS - 1) + 1, some(40) + 1);
            let to = (from + step) % ACCOUNTS;
            let transfer =
                command(&format!("t{number}-{serial}"), "account.transfer", from, &format!("{amount} a{to}"));
            serial += 1;
            answered.extend(self.answer(&agent, transfer)?);
            let earlier = some(u32::try_from(answered.len().max(1)).unwrap_or(u32::MAX));
            if let Some(Answered { command, answer }) = answered.get(earlier as usize) {
                let again = self.answer(&agent, command.clone())?;
                let again = again.map(|again| again.answer).unwrap_or_default();
                ensure!(again == *answer, "{command} was answered {answer}, and then {again}");
            }
        }
        Ok(answered)
    }

    /// Sends a command until it is decided; none if it became a dead letter.
    fn answer(&self, agent: &ureq::Agent, command: Value) -> Result<Option<Answered>> {
        loop {
            let url = self.url.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match send(agent, &url, &command) {
                Ok(Some(answer)) if answer["state"] == "dead" => return Ok(None),
                Ok(Some(answer)) => return Ok(Some(Answered { command, answer })),
                Ok(None) | Err(_) => thread::sleep(PATIENCE),
            }
        }
    }
}

/// The answer to a command; none if there is none yet, or if the runtime could not take it.
fn send(agent: &ureq::Agent, url: &str, command: &Value) -> Result<Option<Value>> {
    let request = agent.post(format!("{url}/commands")).header("prefer", "wait=5");
    let mut response =
        request.content_type("application/cloudevents+json").send(&serde_json::to_vec(command)?[..])?;
    let status = response.status().as_u16();
    let body: Value = response.body_mut().read_json()?;
    let members = |names: &[&str]| {
        let member = |name: &&str| ((*name).to_owned(), body[*name].clone());
        Value::Object(names.iter().map(member).collect::<BTreeMap<_, _>>().into_iter().collect())
    };
    Ok(match status {
        200 => Some(members(&["state", "answer", "offset", "facts", "scopes"])),
        422 => Some(members(&["type", "refusal", "offset"])),
        202 if body["state"] == "dead" => Some(members(&["state"])),
        _ => None,
    })
}

fn command(id: &str, command_type: &str, account: u32, data: &str) -> Value {
    json!({
        "specversion": "1.0", "type": command_type, "source": "/tellers", "id": id,
        "subject": format!("a{account}"), "datacontenttype": "text/plain", "data": data,
    })
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build();
    config.new_agent()
}
