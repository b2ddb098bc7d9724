//! The form of the catalogue: what each of its lines becomes.

/// Makes [`super::ErrorCode`] of the lines of the catalogue.
macro_rules! catalogue {
    ($($name:ident = $code:literal, $status:expr, $exit:ident, $title:literal, $hint:literal;)+) => {
        /// One kind of error. Stable: programs match the text `urn:camshaft:error:<code>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $name,)+
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as kebab-case text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status of the response; none if the error never occurs over HTTP.
            #[must_use]
            pub const fn status(self) -> Option<u16> {
                match self { $(Self::$name => $status,)+ }
            }

            /// The exit code of the command line.
            #[must_use]
            pub const fn exit(self) -> ExitCode {
                match self { $(Self::$name => ExitCode::$exit,)+ }
            }

            /// Summary of the error, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What to do; an occurrence may replace it with a more specific hint.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)+ }
            }
        }
    };
}
