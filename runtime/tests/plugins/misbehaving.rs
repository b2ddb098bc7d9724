//! A plugin that misbehaves costs no event: each ends as a dead letter that says what was wrong, and whose
//! fault it was, while others go on.

use camshaft::Offset;

use super::world::World;

/// Two attempts, soon after each other.
const TWO_ATTEMPTS: &str = "[policy]\nmax_attempts = 2\nbackoff = { base = \"1ms\", max = \"1ms\" }\n";

/// Drops `guest` in beside a well-behaved counter, and checks the reason and the error of its dead letter.
#[track_caller]
fn check(guest: &'static str, operator: &str, reason: &str, error: &[&str]) -> impl Future<Output = ()> {
    let (operator, reason) = (operator.to_owned(), reason.to_owned());
    let error: Vec<String> = error.iter().map(|part| (*part).to_owned()).collect();
    async move {
        let world = World::new().await;
        world.drop_in("counter", "counter", "");
        world.drop_in(guest, guest, &operator);
        world.until_plugin("counter", |plugin| plugin.activation.is_some()).await;
        world.until_plugin(guest, |plugin| plugin.activation.is_some()).await;
        world.publish("1", "test.event", Some("a"), "1").await;
        world.publish("2", "test.event", Some("b"), "2").await;
        let letter = world.until_dead_letter(guest).await;
        let view = world.runtime.dead_letter(guest, letter.offset).await.unwrap();
        let text = view.history.last().unwrap().error.clone();
        assert_eq!(letter.reason, reason, "{text}");
        for part in error {
            assert!(text.contains(&part), "\"{part}\" is not in: {text}");
        }
        world.until_state("counter", "total", "2").await;
        world.runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_loops_for_ever_meets_its_deadline() {
    let operator = format!("{TWO_ATTEMPTS}[limits]\ndeadline = \"50ms\"\n");
    check("loops-forever", &operator, "deadline", &["50ms", "limits.deadline"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_allocates_without_end_meets_its_memory_limit() {
    let operator = format!("{TWO_ATTEMPTS}[limits]\nmemory = \"8MiB\"\n");
    check("allocates-without-end", &operator, "memory", &["limits.memory"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_with_its_message_and_the_authors_functions() {
    check("panics", TWO_ATTEMPTS, "trap", &["panicked"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_without_a_word_still_has_a_backtrace() {
    check("traps", TWO_ATTEMPTS, "trap", &["unreachable"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_overflow_is_told_as_one() {
    check("overflows-stack", TWO_ATTEMPTS, "stack", &["stack"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undeclared_type_is_refused_at_once_and_named() {
    check("publishes-undeclared", "", "refused-effect", &["publishes"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_that_answer_each_other_for_ever_are_stopped_by_the_hop_limit() {
    let world = World::new().await;
    world.drop_in("ping", "ping", "");
    world.drop_in("pong", "pong", "");
    world.until_plugin("ping", |plugin| plugin.activation.is_some()).await;
    world.until_plugin("pong", |plugin| plugin.activation.is_some()).await;
    world.publish("serve", "test.ping", None, "null").await;
    let letter = world.until(async || {
        let query = camshaft::view::DeadLetterQuery { limit: 10, ..Default::default() };
        world.runtime.dead_letters(query).await.ok()?.items.into_iter().next()
    });
    let letter = letter.await;
    assert_eq!(letter.reason, "too-many-hops", "{}", letter.error);
    assert!(letter.error.contains("100 hops") && letter.error.contains("serve"), "{}", letter.error);
    let events = world.runtime.read(Offset(0), 1_000).await.unwrap();
    let hops = events.iter().filter(|stored| stored.event.event_type.starts_with("test.")).count();
    assert_eq!(hops, 101, "the first and a hundred that follow from it");
    world.runtime.shutdown().await;
}
