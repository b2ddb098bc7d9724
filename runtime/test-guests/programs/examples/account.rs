//! A small bank: deposits, withdrawals and transfers, with amounts as data and balances as folds. An
//! overdraft is refused.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

use camshaft::{
    plugin0_1_0::{logging, publisher::NewEvent},
    plugin0_2_0::{deciding::Fact, scopes},
};

wit_bindgen::generate!({
    path: ["../../../wit/v0.1", "../../../wit/v0.2"],
    world: "camshaft:plugin/aggregate@0.2.0",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'account'
     version = '1.0.0'
     state_revision = 1
     [[commands]]
     type = 'account.deposit'
     scope = 'account'
     records = ['account.deposited']
     [[commands]]
     type = 'account.withdraw'
     scope = 'account'
     records = ['account.withdrawn']
     [[commands]]
     type = 'account.transfer'
     scope = 'account'
     records = ['account.transferred']"
);

struct Component;
export!(Component);

impl Guest for Component {
    /// A transfer's data is `amount receiver`, that of the other commands `amount`. The reply is the balance.
    fn decide(command: Event) -> Result<Result<Decision, Refusal>, Failure> {
        let text = String::from_utf8_lossy(&command.data).into_owned();
        let (amount, receiver) =
            text.split_once(' ').map_or((&*text, None), |(amount, to)| (amount, Some(to)));
        let amount: i64 = amount.parse().map_err(|_| Failure::Reject(format!("{text:?} is no amount")))?;
        let account = scope(command.subject.as_deref().unwrap_or_default());
        let before = balance(scopes::load(&account).map_err(failed)?)?;
        let (fact_type, change) = match command.event_type.as_str() {
            "account.deposit" => ("account.deposited", amount),
            "account.withdraw" => ("account.withdrawn", -amount),
            "account.transfer" => ("account.transferred", -amount),
            other => return Err(Failure::Reject(format!("{other} is not known"))),
        };
        if before + change < 0 {
            let message = format!("the balance is {before}");
            let data = before.to_string().into_bytes();
            return Ok(Err(Refusal { code: "overdraft".into(), message, data }));
        }
        let about = [Some(account), receiver.map(scope)].into_iter().flatten().collect();
        let fact = Fact { event: event(fact_type, amount), about };
        Ok(Ok(Decision { facts: vec![fact], reply: (before + change).to_string().into_bytes() }))
    }

    fn evolve(scope: Scope, state: Option<Vec<u8>>, facts: Vec<Event>) -> Result<Vec<u8>, Failure> {
        logging::log(logging::Level::Debug, &format!("{} facts about {}", facts.len(), scope.id), &[]);
        let mut balance = balance(state)?;
        for fact in &facts {
            let amount: i64 = String::from_utf8_lossy(&fact.data).parse().map_err(failed)?;
            let is_sender = fact.subject.as_deref() == Some(&*scope.id);
            balance += match fact.event_type.as_str() {
                "account.withdrawn" => -amount,
                "account.transferred" if is_sender => -amount,
                _ => amount,
            };
        }
        Ok(balance.to_string().into_bytes())
    }
}

fn scope(id: &str) -> Scope {
    Scope { kind: "account".into(), id: id.into() }
}

fn event(fact_type: &str, amount: i64) -> NewEvent {
    NewEvent {
        event_type: fact_type.into(),
        subject: None,
        time: None,
        partitionkey: None,
        datacontenttype: None,
        dataschema: None,
        extensions: Vec::new(),
        data: amount.to_string().into_bytes(),
    }
}

fn balance(fold: Option<Vec<u8>>) -> Result<i64, Failure> {
    fold.map_or(Ok(0), |fold| String::from_utf8_lossy(&fold).parse().map_err(failed))
}

fn failed(error: impl std::fmt::Debug) -> Failure {
    Failure::Other(format!("{error:?}"))
}
