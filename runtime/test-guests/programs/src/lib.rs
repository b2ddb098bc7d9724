//! The guests under test are this package's examples, one behaviour each. This library holds what they share:
//! the words of a manifest that an attribute cannot say, and a decision.

/// Adds a record of TOML text to the plugin's manifest.
#[macro_export]
macro_rules! record {
    ($text:literal) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            #[used]
            #[unsafe(link_section = "camshaft:manifest")]
            static RECORD: [u8; $text.len() + 4] = $crate::with_length($text);
        };
    };
}

/// The `decide` of an aggregate without the SDK: every command records one fact of this type, with the
/// command's data, about the thing that is its subject.
#[macro_export]
macro_rules! decides {
    ($fact_type:literal) => {
        fn decide(command: Event) -> Result<Result<Decision, Refusal>, Failure> {
            let event = camshaft::plugin0_1_0::publisher::NewEvent {
                event_type: $fact_type.into(),
                subject: None,
                time: None,
                partitionkey: None,
                datacontenttype: None,
                dataschema: None,
                extensions: Vec::new(),
                data: command.data,
            };
            let about = Scope { kind: "thing".into(), id: command.subject.unwrap_or_default() };
            let fact = camshaft::plugin0_2_0::deciding::Fact { event, about: vec![about] };
            Ok(Ok(Decision { facts: vec![fact], reply: b"done".to_vec() }))
        }
    };
}

/// The record's bytes: the length of the text as four bytes, least significant first, then the text.
///
/// # Panics
/// While compiling, if `N` is not four more than the text's length.
#[must_use]
pub const fn with_length<const N: usize>(text: &str) -> [u8; N] {
    assert!(N == text.len() + 4);
    let mut record = [0; N];
    let mut rest = text.len();
    let mut at = 0;
    while at < 4 {
        record[at] = (rest % 256) as u8;
        rest /= 256;
        at += 1;
    }
    while at < N {
        record[at] = text.as_bytes()[at - 4];
        at += 1;
    }
    record
}
