//! Decides about accounts: money is deposited and withdrawn, and no account is overdrawn.

use camshaft_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The data of all commands, facts and replies.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Amount {
    cents: u64,
}

/// The state of one account. It consists of facts, so it changes only here.
#[derive(Default, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

#[scope("account")]
impl Evolve for Account {
    fn evolve(&mut self, fact: &Fact) -> Result {
        match fact.event_type() {
            "account.deposited" => self.cents += fact.data::<Amount>()?.cents,
            "account.withdrawn" => self.cents -= fact.data::<Amount>()?.cents,
            _ => {}
        }
        Ok(())
    }
}

#[command("account.deposit", scope = "account", records("account.deposited"))]
fn deposit(command: Command<Amount>, ctx: &mut Decide) -> Decided<Amount> {
    let id = command.subject.as_deref().or_refuse("no-account-named")?;
    (command.data.cents > 0).or_refuse("no-amount")?;
    let account = ctx.load_or_new::<Account>(id)?;
    let cents = account.cents.checked_add(command.data.cents).or_refuse("too-much")?;
    ctx.record("account.deposited", &command.data).about(&account)?;
    Ok(Amount { cents })
}

#[command("account.withdraw", scope = "account", records("account.withdrawn"))]
fn withdraw(command: Command<Amount>, ctx: &mut Decide) -> Decided<Amount> {
    let id = command.subject.as_deref().or_refuse("no-account-named")?;
    let account = ctx.load::<Account>(id)?.or_refuse("no-such-account")?;
    let too_little = Refusal::new("too-little").message(format_args!("{} cents are left", account.cents));
    let cents = account.cents.checked_sub(command.data.cents).or_refuse(too_little)?;
    ctx.record("account.withdrawn", &command.data).about(&account)?;
    Ok(Amount { cents })
}

#[cfg(test)]
mod tests {
    use camshaft_sdk::testing::TestAggregate;

    use super::*;

    fn ada_has(cents: u64) -> TestAggregate {
        TestAggregate::new().given("account.deposited", &Amount { cents }, ["account/ada"])
    }

    fn command(command: &str, cents: u64) -> Command<Amount> {
        Command { subject: Some("ada".to_owned()), ..Command::new(command, Amount { cents }) }
    }

    #[test]
    fn a_deposit_and_a_withdrawal_change_the_account() {
        let mut bank = ada_has(500);
        bank.send(command("account.deposit", 100)).unwrap();
        let accepted = bank.send(command("account.withdraw", 200)).unwrap();
        assert_eq!(accepted.facts[0].event_type(), "account.withdrawn");
        assert_eq!(accepted.reply::<Amount>().unwrap(), Amount { cents: 400 });
    }

    #[test]
    fn an_account_is_never_overdrawn() {
        let declined = ada_has(500).send(command("account.withdraw", 501)).unwrap_err();
        assert_eq!(declined.refusal().unwrap().code, "too-little");
    }
}
