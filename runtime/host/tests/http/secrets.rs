//! The host inserts a secret only into requests whose rule names it, and shows it nowhere else.

use camshaft_event::Answer;
use camshaft_host::RefusalCode;

use super::{OK, Receiver, failure, handle, load, operator};

#[test]
fn a_secret_is_put_in_where_its_rule_lets_it_and_the_guest_never_has_it() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret\n").unwrap();
    let secrets = "authorization = 'Bearer {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let text =
        operator(receiver.port, "secrets = ['token']", secrets).replace("hook?a=b", "{{secret:token}}?a=b");
    let plugin = load(&folder, &text).unwrap();
    let (answer, attempt) = handle(&plugin);
    assert_eq!(answer, Answer::Done);
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.starts_with("POST /t0ps3cret?a=b HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer t0ps3cret\r\n"), "{request}");
    let report = format!("{:?} {}", plugin.manifest(), serde_json::to_string(&plugin.report()).unwrap());
    assert!(!report.contains("t0ps3cret"), "{report}");
    assert!(!format!("{attempt:?}").contains("t0ps3cret"));
}

#[test]
fn a_secret_does_not_go_where_its_rule_does_not_name_it() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    let secrets = "authorization = 'Bearer {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let (answer, _) = handle(&load(&folder, &operator(receiver.port, "", secrets)).unwrap());
    let error = failure(&answer);
    assert!(error.contains("the secret \"token\" is not allowed for 127.0.0.1"), "{error}");
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn a_secret_is_encoded_for_its_place_so_that_nothing_is_cut_off() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "a#b?c d").unwrap();
    let secrets = "authorization = 'é {{secret:token}}'\n[secrets]\ntoken = { file = 'token.txt' }";
    let text = operator(receiver.port, "secrets = ['token']", secrets)
        .replace("hook?a=b", "{{secret:token}}/hook?a={{secret:token}}&c=d");
    assert_eq!(handle(&load(&folder, &text).unwrap()).0, Answer::Done);
    let [request] = receiver.seen().try_into().unwrap();
    assert!(request.starts_with("POST /a%23b%3Fc%20d/hook?a=a%23b%3Fc%20d&c=d HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: é a#b?c d\r\n"), "{request}");
}

#[test]
fn a_placeholder_never_leaves_as_it_is() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::answering(OK));
    std::fs::write(folder.path().join("token.txt"), "t0ps3cret").unwrap();
    let secrets =
        |header: &str| format!("authorization = '{header}'\n[secrets]\ntoken = {{ file = 'token.txt' }}");
    for (header, path, words) in [
        ("é {{secret:token", "hook", "does not end with"),
        ("é {{secret:é}}", "hook", "is not allowed for"),
        ("x", "%7B%7Bsecret:token%7D%7D", "percent-encoded"),
    ] {
        let text = operator(receiver.port, "secrets = ['token']", &secrets(header)).replace("hook?a=b", path);
        let (answer, _) = handle(&load(&folder, &text).unwrap());
        assert!(failure(&answer).contains(words), "{header} {path}: {answer:?}");
    }
    assert_eq!(receiver.seen(), Vec::<String>::new());
}

#[test]
fn a_plugin_whose_secret_cannot_be_read_is_refused_without_showing_any_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token.txt"), "two\nlines").unwrap();
    for (source, words) in [
        ("{ file = 'hunter2.txt' }", "the file in [secrets] cannot be read"),
        ("{ file = 'token.txt' }", "not a single line"),
        ("{ env = 'hunter2_NO_SUCH_VARIABLE' }", "the environment variable in [secrets] is not set"),
    ] {
        let refusal =
            load(&folder, &operator(80, "secrets = ['token']", &format!("[secrets]\ntoken = {source}")));
        let refusal = refusal.err().unwrap();
        assert_eq!(refusal.code, RefusalCode::SecretUnavailable);
        assert!(refusal.message.contains(words), "{refusal}");
        assert!(!refusal.message.contains("two") && !refusal.message.contains("hunter2"), "{refusal}");
    }
}
