//! The access check.

use super::*;

const TOKEN: &str = "0123456789abcdef";
const PAGE: &str = "https://example.com";

fn with_token(config: &mut Config) {
    config.token = Some(Token::new(TOKEN).unwrap());
}

fn with_origin(config: &mut Config) {
    config.allowed_origins = vec![PAGE.into()];
}

fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let start = Request::builder().uri(path);
    headers
        .iter()
        .fold(start, |request, (name, value)| request.header(*name, *value))
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn with_a_token_only_who_knows_it_may_call() {
    with_api(with_token, async |api| {
        for wrong in ["", "Bearer 0123456789abcdeg", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"]
        {
            let answer = api.ask(get("/plugins", &[("authorization", wrong), ("host", "localhost")])).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
            answer.problem("unauthorized");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"camshaft\"");
        }
        // With the token, any host is accepted.
        let bearer = format!("bearer {TOKEN}");
        let headers =
            [("authorization", bearer.as_str()), ("host", "camshaft.example.com"), ("origin", PAGE)];
        assert_eq!(api.ask(get("/plugins", &headers)).await.status, StatusCode::OK);
        assert_eq!(api.ask(get("/health", &[("host", "camshaft.example.com")])).await.status, StatusCode::OK);
        assert_eq!(api.ask(get("/none", &[])).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn without_a_token_a_host_that_is_not_loopback_is_refused() {
    with_api(
        |_| {},
        async |api| {
            for host in ["evil.example", "evil.example:4077", "10.0.0.7:4077", ""] {
                for path in ["/plugins", "/health", "/none"] {
                    let answer = api.ask(get(path, &[("host", host)])).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}{path}");
                    answer.problem("host-not-allowed");
                }
            }
            assert_eq!(api.ask(get("/plugins", &[("host", "[::1]:4077")])).await.status, StatusCode::OK);
        },
    )
    .await;
}

#[tokio::test]
async fn a_web_page_may_call_only_if_its_origin_is_listed() {
    with_api(with_origin, async |api| {
        for origin in ["https://evil.example", "http://example.com", "null", "http://127.0.0.1:4077"] {
            let answer = api.ask(get("/plugins", &[("host", "127.0.0.1"), ("origin", origin)])).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
            answer.problem("origin-not-allowed");
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        let answer = api.ask(get("/plugins", &[("host", "127.0.0.1"), ("origin", PAGE)])).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
        let asks = |origin| {
            let request = request("OPTIONS", "/events").header("origin", origin);
            api.ask(request.header("access-control-request-method", "POST").body(Body::empty()).unwrap())
        };
        let preflight = asks(PAGE).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert_eq!(preflight.headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, POST, PUT, DELETE");
        assert_eq!(asks("https://evil.example").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_knows_the_token_can_read_the_answer_only_from_a_listed_origin() {
    let settings = |config: &mut Config| {
        with_token(config);
        with_origin(config);
    };
    with_api(settings, async |api| {
        let bearer = format!("Bearer {TOKEN}");
        let readable = async |origin: &str| {
            let headers = [("authorization", bearer.as_str()), ("origin", origin)];
            let answer = api.ask(get("/plugins", &headers)).await;
            assert_eq!(answer.status, StatusCode::OK);
            answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        };
        assert!(readable(PAGE).await);
        assert!(!readable("https://evil.example").await);
    })
    .await;
}

#[tokio::test]
async fn a_host_is_named_once_and_exactly() {
    with_api(
        |_| {},
        async |api| {
            for host in ["[::1].evil.com", "127.0.0.1:evil", "localhost:80@evil.com", "127.0.0.1:"] {
                let answer = api.ask(get("/plugins", &[("host", host)])).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}");
                answer.problem("host-not-allowed");
            }
            for second in ["evil.com", "127.0.0.1"] {
                let answer = api.ask(get("/plugins", &[("host", "127.0.0.1"), ("host", second)])).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{second}");
                answer.problem("host-not-allowed");
            }
            // The target of the request may also name a host.
            for (target, status) in [
                ("http://evil.com/plugins", StatusCode::FORBIDDEN),
                ("http://127.0.0.1@evil.com/plugins", StatusCode::FORBIDDEN),
                ("http://127.0.0.1:4077/plugins", StatusCode::OK),
            ] {
                assert_eq!(api.ask(get(target, &[("host", "127.0.0.1")])).await.status, status, "{target}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn an_origin_and_a_token_are_named_once() {
    with_api(with_origin, async |api| {
        let headers = [("host", "127.0.0.1"), ("origin", PAGE), ("origin", "https://evil.example")];
        let answer = api.ask(get("/plugins", &headers)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        answer.problem("origin-not-allowed");
        assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    })
    .await;
    with_api(with_token, async |api| {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str()), ("authorization", "Bearer fedcba9876543210")];
        assert_eq!(api.ask(get("/plugins", &headers)).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}
