use camshaft_sdk::testing::TestContext;

use super::*;

fn event() -> Event<Bytes> {
    let data = Bytes(br#"{"sku": "pen", "prices": [3, 4.5], "at": 1795248000}"#.to_vec());
    Event {
        id: "e-1".to_owned(),
        source: "/shop".to_owned(),
        subject: Some("o-7".to_owned()),
        time: Some("2026-11-21T08:00:00Z".to_owned()),
        extensions: vec![("tenant".to_owned(), "t".to_owned())],
        ..Event::new("order.placed", data)
    }
}

fn documents(text: &str, event: &Event<Bytes>) -> Result<Vec<String>> {
    let outputs = Expression::compiled("expression", text)?.outputs(&Input::of(event)?)?;
    Ok(outputs.iter().map(|output| String::from_utf8(output.json().0).unwrap()).collect())
}

#[track_caller]
fn gives(text: &str, expected: &[&str]) {
    assert_eq!(documents(text, &event()).unwrap(), expected, "{text}");
}

#[track_caller]
fn mistake(text: &str) -> String {
    format!("{:?}", documents(text, &event()).unwrap_err())
}

#[test]
fn an_expression_sees_the_whole_event() {
    gives(
        "del(.data)",
        &[
            r#"{"id":"e-1","source":"/shop","type":"order.placed","subject":"o-7","time":"2026-11-21T08:00:00Z","key":"o-7","datacontenttype":null,"dataschema":null,"extensions":{"tenant":"t"}}"#,
        ],
    );
    gives(".data.prices[]", &["3", "4.5"]);
    gives("{sku: .data.sku, sum: (.data.prices | add)}", &[r#"{"sku":"pen","sum":7.5}"#]);
    gives("empty", &[]);
}

#[test]
fn the_standard_library_is_there_with_expressions_dates_and_base64() {
    gives(r#".data.sku | test("^p") and (. | ascii_upcase == "PEN")"#, &["true"]);
    gives(r#".data.sku | sub("e"; "i"), @base64"#, &[r#""pin""#, r#""cGVu""#]);
    gives(".time | fromdate", &["1795248000"]);
    gives(".data.at | todate, strftime(\"%Y-%m\")", &[r#""2026-11-21T08:00:00Z""#, r#""2026-11""#]);
    gives("2147483647 * 2147483647, 9007199254740993 + 1", &["4611686014132420609", "9007199254740994"]);
    gives("pow(2; 3) | floor", &["8"]);
}

#[test]
fn data_is_decoded_by_its_media_type_and_base64_otherwise() {
    let with = |media_type: &str, data: &[u8]| Event {
        datacontenttype: Some(media_type.to_owned()),
        data: Bytes(data.to_vec()),
        ..event()
    };
    assert_eq!(documents(".data", &with("application/msgpack", b"\x81\xa1a\x01")).unwrap(), [r#"{"a":1}"#]);
    assert_eq!(documents(".data", &with("text/plain", b"abc")).unwrap(), [r#""YWJj""#]);
    assert_eq!(documents(".data", &with("application/json", b"")).unwrap(), ["null"]);
    let error = documents(".data", &with("application/json", b"{")).unwrap_err();
    assert!(error.is_reject());
    assert!(
        error.reason().starts_with("data of `order.placed` cannot be decoded as Json: EOF while parsing"),
        "{error}"
    );
}

#[test]
fn a_mistake_in_an_expression_is_shown_with_its_place_and_left_to_the_operator() {
    for (text, expected) in [
        (".data | | .x", "`|` at column 9 is unexpected; expected a term"),
        (".data\n  | foo(1)", "`foo` with 1 argument at line 2, column 5 is not defined"),
        (".data.prices | map(. + 1", "`(` at column 19 is not closed"),
        (".data +", "it ends too early; expected a term"),
        ("$key", "the variable `$key` at column 1 is not defined"),
        ("\"\\q\"", "is unexpected; expected a string escape sequence"),
        ("import \"a\" as a; .", "module loading not supported"),
        ("import \"a\" as $a; $a", "there are no files to import"),
    ] {
        let said = mistake(text);
        assert!(
            said.starts_with("retry: the expression `")
                && said.contains("` of the setting `expression` cannot be used: "),
            "{said}"
        );
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn nothing_but_the_event_can_be_read() {
    for text in
        ["now", "env", "$ENV", "input", "inputs", "debug", "halt", "localtime", "stderr", "input_filename"]
    {
        let said = mistake(text);
        assert!(said.starts_with("retry: ") && said.contains("is not defined"), "{said}");
        assert!(text.starts_with('$') || said.contains("can only read the event"), "{said}");
    }
}

#[test]
fn an_event_that_an_expression_fails_on_is_rejected_with_the_reason() {
    for (text, expected) in [
        (".data.sku + 1", "failed on this event: cannot calculate \"pen\" + 1"),
        ("error(\"no \" + .data.sku)", "failed on this event: no pen"),
        ("1 / 0", "returned Infinity, which is not valid JSON"),
        ("{(1 | tostring): ([1] | tobytes)}", "which is not valid JSON"),
        ("repeat(1)", "returned more than 10000 values"),
    ] {
        let said = mistake(text);
        assert!(
            said.starts_with("reject: the expression `") && said.contains("` of the setting `expression` "),
            "{said}"
        );
        assert!(said.contains(expected), "{said}");
    }
    let long = mistake("[range(1000)] | error");
    assert!(long.ends_with('…') && long.chars().count() < 2 * MAX_SHOWN, "{long}");
}

#[test]
fn single_values_are_truth_text_or_number() {
    let input = Input::of(&event()).unwrap();
    let of = |text: &str| Expression::compiled("when", text).unwrap();
    for (text, truth) in [("true", true), ("false", false), ("null", false), ("empty", false), ("0", true)] {
        assert_eq!(of(text).is_true(&input).unwrap(), truth, "{text}");
    }
    assert_eq!(of(".subject").text(&input).unwrap().as_deref(), Some("o-7"));
    assert_eq!(of(".data.at").text(&input).unwrap().as_deref(), Some("1795248000"));
    assert_eq!(of(".data.nothing").text(&input).unwrap(), None);
    assert_eq!(of(".data.prices[1]").number(&input).unwrap(), Some(4.5));
    assert_eq!(of("select(false)").number(&input).unwrap(), None);
    for (error, expected) in [
        (of(".data").text(&input).unwrap_err(), "which is not text"),
        (of(".data.sku").number(&input).unwrap_err(), "returned \"pen\", which is not a finite number"),
        (of("0 / 0").number(&input).unwrap_err(), "which is not a finite number"),
        (of(".data.prices[] > 3").is_true(&input).unwrap_err(), "returned 2 values instead of one"),
    ] {
        assert!(error.is_reject() && error.reason().contains(expected), "{error}");
    }
}

#[test]
fn what_one_expression_gave_another_one_sees() {
    let input = Input::of(&event()).unwrap();
    let outputs = Expression::compiled("expression", ".data.prices[]").unwrap().outputs(&input).unwrap();
    let key = Expression::compiled("key", "\"\\(.data.sku) \\(.output)\"").unwrap();
    let keys: Vec<_> =
        outputs.iter().map(|output| key.text(&input.with_output(output)).unwrap().unwrap()).collect();
    assert_eq!(keys, ["pen 3", "pen 4.5"]);
    assert_eq!(key.text(&input).unwrap().as_deref(), Some("pen null"));
}

#[test]
fn an_expression_is_compiled_once() {
    let one = Expression::compiled("when", ".data").unwrap();
    assert!(Rc::ptr_eq(&one, &Expression::compiled("when", ".data").unwrap()));
    let ctx = TestContext::new().with_config("when", ".data");
    assert!(Rc::ptr_eq(&one, &Expression::of_setting(&ctx, "when").unwrap().unwrap()));
    assert!(Expression::of_setting(&ctx, "otherwise").unwrap().is_none());
}
