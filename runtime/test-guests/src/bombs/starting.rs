//! Plugins whose start code does what only a handler may do, or does not end.

use super::{MANIFEST, plugin};

/// Asks for the way out that waiting and sending belong to.
fn asking() -> String {
    MANIFEST.replace("version", "capabilities = ['http']\nversion")
}

/// Start code that computes for ever.
#[must_use]
pub fn start_loops() -> Vec<u8> {
    plugin("", "", "(func $start (loop (br 0))) (start $start)", MANIFEST)
}

/// Start code that logs for ever.
#[must_use]
pub fn start_logs() -> Vec<u8> {
    let component = r#"
      (import "camshaft:plugin/logging@0.1.0" (instance $logging
        (type $level' (enum "trace" "debug" "info" "warn" "error" "critical"))
        (export "level" (type $level (eq $level')))
        (export "log" (func (param "level" $level) (param "message" string)
          (param "fields" (list (tuple string string)))))))
      (core func $log (canon lower (func $logging "log") (memory $bytes) string-encoding=utf8))
      (core instance $host (export "log" (func $log)))"#;
    let core = r#"
      (import "host" "log" (func $log (param i32 i32 i32 i32 i32)))
      (func $start (loop
        (call $log (i32.const 5) (i32.const 0) (i32.const 4096) (i32.const 0) (i32.const 0)) (br 0)))
      (start $start)"#;
    plugin(component, r#"(with "host" (instance $host))"#, core, MANIFEST)
}

/// Start code that waits for a second by `wasi:clocks`. It asks for `http`, without which nobody can wait.
#[must_use]
pub fn start_waits() -> Vec<u8> {
    let component = r#"
      (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $pollable'))
        (export "pollable" (type $pollable (eq $pollable')))
        (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
      (core func $subscribe (canon lower (func $clock "subscribe-duration")))
      (core func $block (canon lower (func $poll "[method]pollable.block")))
      (core instance $host (export "subscribe" (func $subscribe)) (export "block" (func $block)))"#;
    let core = r#"
      (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
      (import "host" "block" (func $block (param i32)))
      (func $start (call $block (call $subscribe (i64.const 1000000000))))
      (start $start)"#;
    plugin(component, r#"(with "host" (instance $host))"#, core, &asking())
}

/// Start code that sends a request with a secret in its path to `authority`, such as `127.0.0.1:80`.
#[must_use]
pub fn start_sends(authority: &str) -> Vec<u8> {
    sending(authority, "")
}

/// The same, but only once a clock runs: so never when a loader tries it out with clocks that stand still.
#[must_use]
pub fn start_sends_later(authority: &str) -> Vec<u8> {
    sending(authority, "(br_if $out (i64.eqz (call $now)))")
}

fn sending(authority: &str, unless: &str) -> Vec<u8> {
    const PATH: &str = "/{{secret:token}}";
    let component = format!(
        r#"{HTTP}
      (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
      (core module $Texts (import "memory" "memory" (memory 1))
        (data (i32.const 1024) "{authority}") (data (i32.const 1536) "{PATH}"))
      (core instance (instantiate $Texts (with "memory" (instance $memory))))
      (core func $now (canon lower (func $clock "now")))
      (core func $fields (canon lower (func $http "[constructor]fields")))
      (core func $request (canon lower (func $http "[constructor]outgoing-request")))
      (core func $scheme (canon lower (func $http "[method]outgoing-request.set-scheme")
        (memory $bytes) string-encoding=utf8))
      (core func $authority (canon lower (func $http "[method]outgoing-request.set-authority")
        (memory $bytes) string-encoding=utf8))
      (core func $path (canon lower (func $http "[method]outgoing-request.set-path-with-query")
        (memory $bytes) string-encoding=utf8))
      (core func $send (canon lower (func $handler "handle")
        (memory $bytes) (realloc $realloc) string-encoding=utf8))
      (core instance $host (export "now" (func $now)) (export "fields" (func $fields))
        (export "request" (func $request)) (export "scheme" (func $scheme))
        (export "authority" (func $authority)) (export "path" (func $path)) (export "send" (func $send)))"#
    );
    let core = format!(
        r#"
      (import "host" "now" (func $now (result i64)))
      (import "host" "fields" (func $fields (result i32)))
      (import "host" "request" (func $request (param i32) (result i32)))
      (import "host" "scheme" (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
      (import "host" "authority" (func $authority (param i32 i32 i32 i32) (result i32)))
      (import "host" "path" (func $path (param i32 i32 i32 i32) (result i32)))
      (import "host" "send" (func $send (param i32 i32 i32 i32)))
      (func $start (local $it i32)
        (block $out
          {unless}
          (local.set $it (call $request (call $fields)))
          (drop (call $scheme (local.get $it) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
          (drop (call $authority (local.get $it) (i32.const 1) (i32.const 1024) (i32.const {})))
          (drop (call $path (local.get $it) (i32.const 1) (i32.const 1536) (i32.const {})))
          (call $send (local.get $it) (i32.const 0) (i32.const 0) (i32.const 0))))
      (start $start)"#,
        authority.len(),
        PATH.len()
    );
    plugin(&component, r#"(with "host" (instance $host))"#, &core, &asking())
}

/// As much of `wasi:http` as sending takes.
const HTTP: &str = r#"
  (import "wasi:http/types@0.2.0" (instance $http
    (export "fields" (type $fields (sub resource)))
    (export "outgoing-request" (type $request (sub resource)))
    (export "request-options" (type (sub resource)))
    (export "future-incoming-response" (type (sub resource)))
    (type $scheme' (variant (case "HTTP") (case "HTTPS") (case "other" string)))
    (export "scheme" (type $scheme (eq $scheme')))
    (type $dns' (record (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns')))
    (type $alert' (record (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $alert (eq $alert')))
    (type $size' (record (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size')))
    (type $error' (variant (case "DNS-timeout") (case "DNS-error" $dns) (case "destination-not-found")
      (case "destination-unavailable") (case "destination-IP-prohibited") (case "destination-IP-unroutable")
      (case "connection-refused") (case "connection-terminated") (case "connection-timeout")
      (case "connection-read-timeout") (case "connection-write-timeout") (case "connection-limit-reached")
      (case "TLS-protocol-error") (case "TLS-certificate-error") (case "TLS-alert-received" $alert)
      (case "HTTP-request-denied") (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64)) (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid") (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32)) (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32)) (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete") (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size) (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32)) (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string)) (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout") (case "HTTP-upgrade-failed") (case "HTTP-protocol-error")
      (case "loop-detected") (case "configuration-error") (case "internal-error" (option string))))
    (export "error-code" (type (eq $error')))
    (export "[constructor]fields" (func (result (own $fields))))
    (export "[constructor]outgoing-request" (func (param "headers" (own $fields)) (result (own $request))))
    (export "[method]outgoing-request.set-scheme"
      (func (param "self" (borrow $request)) (param "scheme" (option $scheme)) (result (result))))
    (export "[method]outgoing-request.set-authority"
      (func (param "self" (borrow $request)) (param "authority" (option string)) (result (result))))
    (export "[method]outgoing-request.set-path-with-query"
      (func (param "self" (borrow $request)) (param "path-with-query" (option string)) (result (result))))))
  (alias export $http "outgoing-request" (type $request))
  (alias export $http "request-options" (type $options))
  (alias export $http "future-incoming-response" (type $future))
  (alias export $http "error-code" (type $error))
  (import "wasi:http/outgoing-handler@0.2.0" (instance $handler
    (alias outer 1 $request (type $request'))
    (export "outgoing-request" (type $request (eq $request')))
    (alias outer 1 $options (type $options'))
    (export "request-options" (type $options (eq $options')))
    (alias outer 1 $future (type $future'))
    (export "future-incoming-response" (type $future (eq $future')))
    (alias outer 1 $error (type $error'))
    (export "error-code" (type $error (eq $error')))
    (export "handle" (func (param "request" (own $request)) (param "options" (option (own $options)))
      (result (result (own $future) (error $error)))))))
"#;
