//! Aggregates, compiled by a real toolchain: how a command is decided, and what becomes of one whose code
//! misbehaves.

use std::collections::BTreeMap;

use camshaft_event::{Answer, EffectError, Event, FailureCause, LogLevel, Refusal, Scope};
use camshaft_host::{OperatorFile, RefusalCode, World};
use camshaft_test_guests::component;

use crate::{
    check_refused, failed, instance,
    support::{Attempt, Bench, ticking},
};

fn command(command_type: &str, subject: &str, data: &str) -> Event {
    Event {
        event_type: command_type.into(),
        subject: Some(subject.into()),
        data: data.into(),
        ..crate::support::event()
    }
}

fn account(id: &str) -> Scope {
    Scope::new("account", id).unwrap()
}

fn balances(balances: &[(&str, &str)]) -> BTreeMap<Scope, Vec<u8>> {
    balances.iter().map(|(id, balance)| (account(id), balance.as_bytes().to_vec())).collect()
}

fn with_balances(found: &[(&str, &str)]) -> Attempt {
    Attempt { folds: balances(found), ..Attempt::default() }
}

#[test]
fn an_aggregate_is_of_its_own_world_and_version() {
    let plugin = Bench::new().host.load(component("account"), None).unwrap();
    assert_eq!((plugin.world(), plugin.contract()), (World::Aggregate, "0.2.0"));
    let report = plugin.report().to_string();
    assert!(report.contains("  world         aggregate\n"), "{report}");
    assert!(report.contains("  contract      camshaft:plugin@0.2.0 (component"), "{report}");
    let handler = Bench::new().host.load(component("raw"), None).unwrap();
    assert_eq!((handler.world(), handler.contract()), (World::Handler, "0.1.0"));
}

#[test]
fn a_decision_comes_back_as_facts_reply_and_fold() {
    let mut instance = instance("account");
    let mut attempt = with_balances(&[("9", "10")]);
    for (amount, balance) in [("5", "15"), ("7", "22")] {
        let (answer, back) = instance.call(&command("account.deposit", "9", amount), attempt);
        assert_eq!((answer, instance.is_spent()), (Answer::Done, false));
        let [fact] = back.facts.as_slice() else { panic!("{:?}", back.facts) };
        assert_eq!((fact.event.event_type.as_str(), &fact.about), ("account.deposited", &vec![account("9")]));
        assert_eq!(fact.event.data, amount.as_bytes());
        assert_eq!(back.answer, Some(Ok(balance.into())));
        assert_eq!(back.folds, balances(&[("9", balance)]));
        attempt = with_balances(&[("9", balance)]);
    }
}

#[test]
fn a_refusal_is_an_answer_without_facts_and_not_a_failure() {
    let mut instance = instance("account");
    let attempt = with_balances(&[("9", "10")]);
    let (answer, attempt) = instance.call(&command("account.withdraw", "9", "11"), attempt);
    assert_eq!((answer, instance.is_spent()), (Answer::Done, false));
    let (code, message) = ("overdraft".to_owned(), "the balance is 10".to_owned());
    assert_eq!(attempt.answer, Some(Err(Refusal { code, message, data: b"10".to_vec().into() })));
    assert!(attempt.facts.is_empty());
    assert_eq!(attempt.folds, balances(&[("9", "10")]));
}

#[test]
fn each_scope_of_a_fact_gets_a_fold_of_its_own() {
    let attempt = with_balances(&[("9", "10")]);
    let (answer, attempt) = instance("account").call(&command("account.transfer", "9", "4 a/b"), attempt);
    assert_eq!(answer, Answer::Done);
    assert_eq!(attempt.folds, balances(&[("9", "6"), ("a/b", "4")]));
}

#[test]
fn a_fold_of_many_facts_is_made_in_calls_of_256() {
    let attempt = Attempt { repeated: 600, ..Attempt::default() };
    let (answer, attempt) = instance("account").call(&command("account.deposit", "9", "2"), attempt);
    assert_eq!((answer, attempt.folds), (Answer::Done, balances(&[("9", "1200")])));
    let lines: Vec<_> = attempt.lines.iter().map(|(level, line)| (*level, line.as_str())).collect();
    let line = |text| (LogLevel::Debug, text);
    let expected = [line("256 facts about 9"), line("256 facts about 9"), line("88 facts about 9")];
    assert_eq!(lines, expected, "the lines of `evolve` reach the attempt");
}

#[test]
fn a_decision_that_fails_answers_nothing() {
    let (answer, attempt) =
        instance("account").call(&command("account.deposit", "9", "much"), Attempt::default());
    assert_eq!(answer, Answer::Reject { reason: "\"much\" is no amount".into() });
    assert_eq!((attempt.answer, attempt.facts.len()), (None, 0));
    let mut traps = instance("decide-traps");
    let (answer, attempt) = traps.call(&command("test.do", "9", ""), Attempt::default());
    let (cause, error) = failed(answer);
    assert_eq!((cause, attempt.answer, traps.is_spent()), (FailureCause::Trap, None, true));
    assert!(error.starts_with("the aggregate trapped: wasm trap: wasm `unreachable`"), "{error}");
}

#[test]
fn facts_that_evolve_cannot_read_reject_the_command() {
    let prefix = "`evolve` failed on the facts that were just decided, for scope \"thing/9\": ";
    let import =
        "`evolve` trapped: `evolve` called an import; besides log lines, it may use only its arguments";
    for (guest, why) in [
        ("evolve-rejects", "test.done is not known"),
        ("evolve-reads-config", import),
        ("evolve-loads", import),
    ] {
        let mut instance = instance(guest);
        let (answer, attempt) = instance.call(&command("test.do", "9", ""), Attempt::default());
        let Answer::Reject { reason } = answer else { panic!("{guest}: {answer:?}") };
        assert!(reason.starts_with(&format!("{prefix}{why}")), "{guest}: {reason}");
        assert!(attempt.folds.is_empty() && instance.is_spent(), "{guest}");
    }
}

#[test]
fn a_deadline_that_passes_in_evolve_is_a_deadline() {
    let bench = Bench::new();
    let operator = OperatorFile::parse(&bench.folder.path().join("x.toml"), "limits.deadline = '50ms'");
    let plugin = bench.host.load(component("evolve-loops"), Some(&operator.unwrap())).unwrap();
    let mut instance = plugin.prepare::<Attempt>().unwrap().instantiate().unwrap();
    let (answer, _) =
        ticking(&bench.host, || instance.call(&command("test.do", "9", ""), Attempt::default()));
    let (cause, error) = failed(answer);
    assert_eq!(cause, FailureCause::Deadline);
    assert!(error.starts_with("`evolve` exceeded its deadline of 50ms"), "{error}");
    let mut instance = plugin.prepare::<Attempt>().unwrap().instantiate().unwrap();
    let thing = Scope::new("thing", "9").unwrap();
    let answer = ticking(&bench.host, || instance.evolve(&thing, None, &[])).unwrap_err();
    assert_eq!((failed(answer).0, instance.is_spent()), (FailureCause::Deadline, true));
}

#[test]
fn a_fact_of_an_undeclared_type_ends_the_attempt() {
    let attempt = Attempt { records: vec!["test.done".into()], ..Attempt::default() };
    let (answer, attempt) = instance("records-undeclared").call(&command("test.do", "9", ""), attempt);
    let error = EffectError::UndeclaredType { event_type: "test.undeclared".into() };
    assert_eq!(answer, Answer::Reject { reason: error.to_string() });
    assert_eq!((attempt.refuse, attempt.answer), (Some(error), None));
}

#[test]
fn a_fold_is_made_outside_an_attempt_too() {
    let mut instance = instance("account");
    let deposited = Event { event_type: "account.deposited".into(), data: b"5".into(), ..Event::default() };
    let facts = vec![deposited; 3];
    assert_eq!(instance.evolve(&account("9"), None, &facts), Ok(b"15".to_vec()));
    assert_eq!(instance.evolve(&account("9"), Some(b"15"), &facts[..1]), Ok(b"20".to_vec()));
    assert!(!instance.is_spent());
    let (answer, attempt) =
        instance.call(&command("account.deposit", "9", "1"), with_balances(&[("9", "20")]));
    assert_eq!((answer, attempt.folds), (Answer::Done, balances(&[("9", "21")])));
    let broken = Event { data: b"x".into(), ..facts[0].clone() };
    let answer = instance.evolve(&account("9"), None, &[broken]).unwrap_err();
    assert!(matches!(answer, Answer::Retry { .. }), "{answer:?}");
    assert!(instance.is_spent());
}

#[test]
fn evolve_calls_no_import_outside_an_attempt_either() {
    let thing = Scope::new("thing", "9").unwrap();
    for guest in ["evolve-reads-config", "evolve-loads"] {
        let (cause, error) = failed(instance(guest).evolve(&thing, None, &[]).unwrap_err());
        assert_eq!(cause, FailureCause::Trap);
        assert!(error.starts_with("`evolve` trapped: `evolve` called an import"), "{error}");
    }
}

#[test]
fn an_aggregate_that_imports_state_is_refused_with_the_reason() {
    let reason = "imports \"camshaft:plugin/state@0.1.0\", but an aggregate has no state of its own: its folds \
                  are made by `evolve`";
    check_refused("aggregate-with-state", RefusalCode::UnknownImport, reason);
}
