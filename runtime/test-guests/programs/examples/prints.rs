//! Writes a line to standard output and one to standard error, by way of WASI.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "bindings without the SDK")]

wit_bindgen::generate!({
    path: "../../../wit/v0.1",
    inline: "
        package test:prints;

        world printing {
            include camshaft:plugin/handler@0.1.0;
            import wasi:cli/stdout@0.2.0;
            import wasi:cli/stderr@0.2.0;
        }

        package wasi:cli@0.2.0 {
            interface stdout {
                use wasi:io/streams@0.2.0.{output-stream};
                get-stdout: func() -> output-stream;
            }
            interface stderr {
                use wasi:io/streams@0.2.0.{output-stream};
                get-stderr: func() -> output-stream;
            }
        }

        package wasi:io@0.2.0 {
            interface error { resource error; }
            interface streams {
                use error.{error};
                variant stream-error { last-operation-failed(error), closed }
                resource output-stream {
                    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                }
            }
        }
    ",
    world: "test:prints/printing",
    generate_all,
});

camshaft_test_programs::record!(
    "manifest = 1
     name = 'prints'
     version = '1.0.0'
     subscriptions = [{ handler = 'handle', types = ['test.event'] }]"
);

struct Component;
export!(Component);

impl Guest for Component {
    fn handle(_: Event) -> Result<(), Failure> {
        let lost = |_| Failure::Reject("the stream is closed".to_owned());
        wasi::cli::stdout::get_stdout().blocking_write_and_flush(b"printed to stdout\n").map_err(lost)?;
        wasi::cli::stderr::get_stderr().blocking_write_and_flush(b"printed to stderr\n").map_err(lost)
    }
}
