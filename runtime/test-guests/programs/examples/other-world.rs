//! Is a component, but no plugin: it exports something else.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    inline: "
        package calculator:tools@1.0.0;
        world adder { export add: func(a: u32, b: u32) -> u32; }
    ",
});

struct Component;
export!(Component);

impl Guest for Component {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
}
