//! The encoding of state values: the test vectors that the SDKs of all languages must match.

use serde_json::Value;

#[test]
fn state_values_are_the_same_bytes_in_every_language() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../messagepack.json")).unwrap();
    for vector in vectors {
        let expected = vector["hex"].as_str().unwrap();
        let bytes = rmp_serde::to_vec_named(&vector["value"]).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "{}", vector["value"]);
        assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), vector["value"]);
    }
}
